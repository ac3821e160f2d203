/** The card of the room itself: its title, whether it is open, what is pinned. */

import { confirmed } from "../shared/confirm.js";
import { part } from "../shared/dialog.js";
import { t } from "../shared/language.js";

/** @typedef {{title: string, open: boolean}} RoomInfo */

export class RoomCard {
  #deeds;
  #room = "";
  #isOpen = true;
  #title = /** @type {HTMLInputElement} */ (part("title-field"));
  #switch = /** @type {HTMLButtonElement} */ (part("room-switch"));
  #pinTimer = 0;

  /** @param {import("./deeds.js").Deeds} deeds */
  constructor(deeds) {
    this.#deeds = deeds;
    part("title-form").addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#change({ title: this.#title.value.trim() }, t("done.title"));
    });
    this.#switch.addEventListener("click", () => void this.#turn());
    part("unpin").addEventListener("click", () => void this.#unpin());
  }

  /** A streamer's room is made, if it is not there yet. @param {string} room @param {boolean} mayMake */
  async show(room, mayMake) {
    this.#room = room;
    this.pinned("", null, 0);
    this.#draw({ title: "", open: true });
    if (mayMake) await this.#change({}, "");
    else await this.refresh();
  }

  /** What is known of it, anew; nothing where it is not there yet. */
  async refresh() {
    const room = this.#room;
    const info = await this.#deeds.find(`v1/rooms/${room}`);
    if (info !== null && room === this.#room) this.#draw(info);
  }

  /** @param {string} text "" where nothing is pinned @param {number | null} until @param {number} now */
  pinned(text, until, now) {
    clearTimeout(this.#pinTimer);
    part("pinned").hidden = text === "";
    part("pinned-text").textContent = text;
    if (text !== "" && until !== null) {
      this.#pinTimer = setTimeout(() => (part("pinned").hidden = true), Math.min(Math.max(0, until - now), 2 ** 31 - 1));
    }
  }

  /** @param {RoomInfo} info */
  #draw({ title, open }) {
    this.#isOpen = open;
    if (document.activeElement !== this.#title) this.#title.value = title;
    this.#switch.textContent = t(open ? "room.close" : "room.open");
    this.#switch.className = open ? "danger" : "primary";
    part("room-hint").textContent = t(open ? "room.is_open" : "room.is_closed");
    const state = part("room-state");
    state.hidden = false;
    state.className = `badge ${open ? "good" : "bad"}`;
    state.textContent = t(open ? "state.open" : "state.closed");
  }

  async #turn() {
    const open = !this.#isOpen;
    if (!open && !(await confirmed(t("room.close.sure", { room: this.#room }), t("room.close")))) return;
    await this.#change({ open }, t(open ? "done.opened" : "done.closed"));
  }

  /** @param {object} changes @param {string} done */
  async #change(changes, done) {
    const room = this.#room;
    const info = await this.#deeds.call("PUT", `v1/rooms/${room}`, changes, done);
    if (info !== null && room === this.#room) this.#draw(info);
  }

  async #unpin() {
    await this.#deeds.call("DELETE", `v1/rooms/${this.#room}/pinned`, undefined, t("done.unpinned"));
  }
}
