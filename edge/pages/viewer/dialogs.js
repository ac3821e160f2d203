/**
 * The three dialogs: which room, who you are, how comments look.
 *
 * @typedef {import("../shared/identity.js").Identity} Identity
 * @typedef {import("../shared/memory.js").Memory} Memory
 * @typedef {{isOn: boolean, area: number, opacity: number, scale: number, seconds: number, isStill: boolean}} Look options of the overlay
 * @typedef {{room: string, title?: string, viewers?: number, open?: boolean}} RoomInfo
 */

import { isId } from "../sdk/protocol.js";
import { makeClosable, part } from "../shared/dialog.js";
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
    makeClosable(this.#dialog);
    part("room-button").addEventListener("click", () => this.#open());
    part("share").addEventListener("click", () => void this.#share());
    this.#field.addEventListener("input", () => this.#field.setCustomValidity(""));
    part("rooms-form").addEventListener("submit", (event) => this.#submit(event));
  }

  #open() {
    this.#field.value = "";
    part("share").textContent = "Copy the link";
    this.#dialog.showModal();
    this.#field.focus();
    void this.#fetch();
  }

  async #fetch() {
    try {
      const answer = await fetch("v1/rooms", { signal: AbortSignal.timeout(8000) });
      if (!answer.ok) throw new Error(String(answer.status));
      /** @type {{rooms: RoomInfo[]}} */
      const { rooms } = await answer.json();
      rooms.sort((a, b) => (b.viewers ?? 0) - (a.viewers ?? 0));
      this.#list.replaceChildren(...rooms.slice(0, MOST_ROOMS).map((room) => this.#row(room)));
      if (rooms.length === 0) this.#list.textContent = "No room has been made yet.";
    } catch {
      this.#list.textContent = "The list of rooms cannot be had right now.";
    }
  }

  /** @param {RoomInfo} info */
  #row({ room, title, viewers, open }) {
    const row = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    if (room === this.#present()) button.setAttribute("aria-current", "true");
    for (const [name, text] of [
      ["room-name", room],
      ["title", title ?? ""],
      ["viewers", open === false ? "closed" : `${short(viewers ?? 0)} watching`],
    ]) {
      const piece = document.createElement(name === "viewers" ? "span" : "bdi");
      piece.className = name;
      piece.textContent = text;
      button.append(piece);
    }
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
      this.#field.setCustomValidity("1 to 64 letters, digits, - or _");
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
      button.textContent = "Copied";
    } catch {
      this.#field.value = location.href; // without TLS there is no clipboard: copy it from here
      this.#field.select();
    }
  }
}

export class YouDialog {
  #dialog = /** @type {HTMLDialogElement} */ (part("you-dialog"));
  #name = /** @type {HTMLInputElement} */ (part("name-field"));
  #token = /** @type {HTMLInputElement} */ (part("token-field"));
  #outcome = part("you-outcome");
  #memory;
  #identity;
  #renamed;

  /** @param {Memory} memory @param {Identity} identity @param {() => void} renamed a guest has another name now */
  constructor(memory, identity, renamed) {
    this.#memory = memory;
    this.#identity = identity;
    this.#renamed = renamed;
    makeClosable(this.#dialog);
    part("you-button").addEventListener("click", () => this.open());
    part("log-out").addEventListener("click", () => {
      this.#dialog.close();
      this.#identity.signOut();
    });
    part("you-form").addEventListener("submit", (event) => {
      const why = this.#keep(this.#name.value.trim(), this.#token.value.trim());
      if (why === "") return;
      event.preventDefault();
      this.#outcome.textContent = why;
    });
  }

  /** @param {string} why what happened to the login, or nothing */
  open(why = "") {
    this.#outcome.textContent = why;
    this.#name.value = this.#memory.name;
    this.#token.value = this.#memory.token;
    part("log-out").hidden = this.#memory.token === "";
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  /** What the service says. @param {string} uid @param {string} name @param {string} role */
  greeted(uid, name, role) {
    part("you-name").textContent = name || "guest";
    part("you-who").textContent = `${name || "without a name"} · ${role} · ${uid}`;
  }

  /** @param {string} name @param {string} token @returns {string} why not, or nothing */
  #keep(name, token) {
    const isRenamed = name !== this.#memory.name;
    this.#memory.keepName(name);
    if (token === "" && this.#memory.token !== "") this.#identity.signOut();
    else if (token !== this.#memory.token) return this.#identity.signIn(token);
    else if (isRenamed) this.#renamed();
    return "";
  }
}

export class LookDialog {
  #memory;
  #changed;
  #motion = matchMedia("(prefers-reduced-motion: reduce)");
  #on = /** @type {HTMLInputElement} */ (part("look-on"));
  #ranges = {
    area: /** @type {HTMLInputElement} */ (part("look-area")),
    opacity: /** @type {HTMLInputElement} */ (part("look-opacity")),
    scale: /** @type {HTMLInputElement} */ (part("look-scale")),
    speed: /** @type {HTMLInputElement} */ (part("look-speed")),
  };

  /** @param {Memory} memory @param {(look: Look) => void} changed */
  constructor(memory, changed) {
    this.#memory = memory;
    this.#changed = changed;
    const kept = /** @type {Record<string, any>} */ ({ area: 100, opacity: 100, scale: 100, speed: 9, ...memory.readLook() });
    this.#on.checked = kept.on !== false;
    for (const [name, range] of Object.entries(this.#ranges)) range.value = String(kept[name]);
    const dialog = /** @type {HTMLDialogElement} */ (part("look-dialog"));
    makeClosable(dialog);
    part("look-button").addEventListener("click", () => dialog.showModal());
    part("look-form").addEventListener("input", () => this.#keep());
    this.#motion.addEventListener("change", () => changed(this.look));
  }

  /** @returns {Look} */
  get look() {
    const { area, opacity, scale, speed } = this.#ranges;
    return {
      isOn: this.#on.checked,
      area: Number(area.value) / 100,
      opacity: Number(opacity.value) / 100,
      scale: Number(scale.value) / 100,
      seconds: 18 - Number(speed.value), // to the right is faster
      isStill: this.#motion.matches,
    };
  }

  #keep() {
    const values = Object.entries(this.#ranges).map(([name, range]) => [name, Number(range.value)]);
    this.#memory.keepLook({ on: this.#on.checked, ...Object.fromEntries(values) });
    this.#changed(this.look);
  }
}
