/**
 * Three dialogs: which room, who you are, and who said something.
 *
 * @typedef {import("../shared/identity.js").Identity} Identity
 * @typedef {import("../shared/memory.js").Memory} Memory
 * @typedef {{room: string, title?: string, viewers?: number, open?: boolean}} RoomInfo
 */

import { isId } from "../sdk/protocol.js";
import { makeClosable, part } from "../shared/dialog.js";
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
    makeClosable(this.#dialog);
    part("room-button").addEventListener("click", () => this.#open());
    part("share").addEventListener("click", () => void this.#share());
    this.#field.addEventListener("input", () => this.#field.setCustomValidity(""));
    part("rooms-form").addEventListener("submit", (event) => this.#submit(event));
  }

  #open() {
    this.#field.value = "";
    part("share").textContent = t("rooms.copy");
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

export class YouDialog {
  #dialog = /** @type {HTMLDialogElement} */ (part("you-dialog"));
  #name = /** @type {HTMLInputElement} */ (part("name-field"));
  #token = /** @type {HTMLInputElement} */ (part("token-field"));
  #outcome = part("you-outcome");
  #memory;
  #identity;
  #renamed;
  /** The one that stands in the field: it may be renewed while the dialog is open. */
  #shown = "";

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
    this.#token.value = this.#shown = this.#memory.token;
    part("log-out").hidden = this.#memory.token === "";
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  /** What the service says. @param {string} uid @param {string} name @param {string} role */
  greeted(uid, name, role) {
    part("you-name").textContent = name || t("you.guest");
    part("you-who").replaceChildren(element("bdi", "", name || t("you.nameless")), ` · ${t(`role.${role}`)} · ${uid}`);
  }

  /** @param {string} name @param {string} token @returns {string} why not, or nothing */
  #keep(name, token) {
    const isRenamed = name !== this.#memory.name;
    this.#memory.keepName(name);
    if (token === "" && this.#memory.token !== "") this.#identity.signOut();
    else if (token !== this.#shown) return this.#identity.signIn(token);
    else if (isRenamed) this.#renamed();
    return "";
  }
}

/** The way to see nothing more of somebody: for whoever picks a comment, in the list or in the picture. */
export class PersonDialog {
  #dialog = /** @type {HTMLDialogElement} */ (part("person-dialog"));
  #block = part("person-block");
  /** @type {{uid: string, name: string} | null} */
  #person = null;

  /** @param {(uid: string, name: string) => void} block @param {() => void} closed */
  constructor(block, closed) {
    makeClosable(this.#dialog);
    this.#dialog.addEventListener("close", closed);
    this.#block.addEventListener("click", () => {
      this.#dialog.close(); // before what had the focus is gone
      if (this.#person !== null) block(this.#person.uid, this.#person.name);
    });
  }

  /** @param {{uid: string, name: string, text: string}} said @param {boolean} isOwn */
  open({ uid, name, text }, isOwn) {
    this.#person = { uid, name };
    part("person-name").textContent = name || uid;
    part("person-text").textContent = text;
    part("person-uid").textContent = uid;
    this.#block.textContent = t("block.user", { name: name || uid });
    this.#block.hidden = isOwn;
    if (!this.#dialog.open) this.#dialog.showModal();
  }
}
