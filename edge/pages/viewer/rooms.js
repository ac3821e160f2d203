/**
 * What fills the dialog to choose a room. Loaded when that is first opened: without, it leads to the room whose name is put in.
 *
 * @typedef {{room: string, title?: string, viewers?: number, open?: boolean}} RoomInfo
 */

import { isId } from "../sdk/protocol.js";
import { part } from "../shared/dialog.js";
import { element } from "../shared/element.js";
import { t } from "../shared/language.js";
import { short } from "../shared/wording.js";

const MOST_ROOMS = 50;

export class RoomsDialog {
  #dialog = /** @type {HTMLDialogElement} */ (part("rooms-dialog"));
  #list = part("rooms-list");
  #field = /** @type {HTMLInputElement} */ (part("rooms-field"));
  #present;
  #go;

  /** @param {() => string} present the room one is in @param {(room: string) => void} go */
  constructor(present, go) {
    this.#present = present;
    this.#go = go;
    part("share").addEventListener("click", () => void this.#share());
    this.#field.addEventListener("input", () => this.#field.setCustomValidity(""));
    part("rooms-form").addEventListener("submit", (event) => this.#submit(event));
  }

  async fill() {
    part("share").textContent = t("rooms.copy");
    try {
      const answer = await fetch("v1/rooms", { signal: AbortSignal.timeout(8000) });
      if (!answer.ok) throw new Error(String(answer.status));
      /** @type {{rooms: RoomInfo[]}} */
      const { rooms } = await answer.json();
      rooms.sort((a, b) => (b.viewers ?? 0) - (a.viewers ?? 0));
      this.#list.replaceChildren(...rooms.slice(0, MOST_ROOMS).map((room) => this.#row(room)));
      if (rooms.length === 0) this.#list.textContent = t("rooms.none");
    } catch {
      this.#list.textContent = t("rooms.unknown");
    }
  }

  /** @param {RoomInfo} info */
  #row({ room, title, viewers, open }) {
    const row = element("li");
    const button = /** @type {HTMLButtonElement} */ (element("button"));
    button.type = "button";
    if (room === this.#present()) button.setAttribute("aria-current", "true");
    const watched = open === false ? t("rooms.closed") : t("rooms.watching", { n: short(viewers ?? 0) });
    button.append(element("bdi", "room-name", room), element("bdi", "title", title ?? ""), element("span", "viewers", watched));
    button.addEventListener("click", () => this.#enter(room));
    row.append(button);
    return row;
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    const room = this.#field.value.trim();
    if (isId(room)) {
      this.#enter(room);
    } else {
      this.#field.setCustomValidity(t("rooms.bad"));
      this.#field.reportValidity();
    }
  }

  /** @param {string} room */
  #enter(room) {
    this.#dialog.close();
    this.#go(room);
  }

  async #share() {
    const button = part("share");
    try {
      await navigator.clipboard.writeText(location.href);
      button.textContent = t("rooms.copied");
    } catch {
      this.#field.value = location.href; // without TLS there is no clipboard: copy it from here
      this.#field.select();
    }
  }
}
