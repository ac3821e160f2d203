/** The card of the room itself: its title, whether it is open, what is pinned. */

import { confirmed } from "../shared/confirm.js";
import { part } from "../shared/dialog.js";
import { takesBack } from "../sdk/recalls.js";
import { t } from "../shared/language.js";
import { onSubmit } from "../shared/submit.js";

/** @typedef {{title: string, open: boolean}} RoomInfo */
/** @typedef {import("../sdk/showing.js").Item} Item */
/** @typedef {Extract<Item, {kind: "announce"}>} Announcement */

export class RoomCard {
  #deeds;
  #room = "";
  #isOpen = true;
  #isOwn = false;
  /** @type {Announcement | null} */
  #pinned = null;
  #title = /** @type {HTMLInputElement} */ (part("title-field"));
  #switch = /** @type {HTMLButtonElement} */ (part("room-switch"));
  #pinTimer = 0;
  /** The title as it was told last. */
  #told = "";

  /** @param {import("./deeds.js").Deeds} deeds */
  constructor(deeds) {
    this.#deeds = deeds;
    onSubmit(part("title-form"), () => this.#change({ title: this.#title.value.trim() }, t("done.title")));
    this.#switch.addEventListener("click", () => void this.#turn());
    part("unpin").addEventListener("click", () => void this.#takeDown());
  }

  /** A streamer's room is made, if it is not there yet. @param {string} room @param {boolean} isOwn */
  async show(room, isOwn) {
    this.#room = room;
    this.#isOwn = isOwn;
    this.unpin();
    this.#title.value = this.#told = "";
    part("room-state").hidden = true;
    if (isOwn) part("room-hint").textContent = "";
    for (const name of ["title-form", "room-switch"]) part(name).hidden = !isOwn;
    if (isOwn) await this.#change({}, "");
    else await this.refresh();
  }

  /** @param {boolean} isStaff whether one may do what its moderators may */
  allow(isStaff) {
    part("unpin").hidden = !isStaff;
    part("room-hint").textContent = isStaff ? t("room.not_yours") : t("room.not_staff");
  }

  /** What is known of it, anew; nothing where it is not there yet. */
  async refresh() {
    const room = this.#room;
    const info = await this.#deeds.find(`v1/rooms/${room}`);
    if (info !== null && room === this.#room) this.#draw(info);
  }

  /** Where it is pinned it takes the place of the one before. @param {Announcement} announcement @param {number} now */
  pin(announcement, now) {
    const { text, until } = announcement;
    if (until === null || until <= now) return;
    this.unpin();
    this.#pinned = announcement;
    part("pinned").hidden = false;
    part("pinned-text").textContent = text;
    this.#pinTimer = setTimeout(() => this.unpin(), until - now);
  }

  /** Nothing is pinned any more. */
  unpin() {
    clearTimeout(this.#pinTimer);
    this.#pinned = null;
    const hadFocus = part("pinned").contains(document.activeElement);
    part("pinned").hidden = true;
    if (hadFocus) part("say-text").focus();
  }

  /** @param {Extract<Item, {kind: "recall"}>} recall */
  recall(recall) {
    if (this.#pinned !== null && takesBack(recall, this.#pinned)) this.unpin();
  }

  /** @param {RoomInfo} info */
  #draw({ title, open }) {
    this.#isOpen = open;
    if (this.#title.value.trim() === this.#told || this.#title.value.trim() === title) this.#title.value = title; // else somebody writes
    this.#told = title;
    this.#switch.textContent = t(open ? "room.close" : "room.open");
    this.#switch.className = open ? "danger" : "primary";
    if (this.#isOwn) part("room-hint").textContent = t(open ? "room.is_open" : "room.is_closed");
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

  async #takeDown() {
    await this.#deeds.call("DELETE", `v1/rooms/${this.#room}/pinned`, undefined, t("done.unpinned"));
  }
}
