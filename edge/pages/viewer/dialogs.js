/**
 * Two dialogs: who you are, and who said something.
 *
 * @typedef {import("../shared/identity.js").Identity} Identity
 * @typedef {import("../shared/memory.js").Memory} Memory
 */

import { makeClosable, part } from "../shared/dialog.js";
import { element } from "../shared/element.js";
import { t } from "../shared/language.js";

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

  /** @param {string} why what happened to the login, or nothing @param {boolean} isLogin whether it is the login one comes for */
  open(why = "", isLogin = why !== "") {
    this.#outcome.textContent = why;
    this.#name.value = this.#memory.name;
    this.#token.value = this.#shown = this.#memory.token;
    part("log-out").hidden = this.#memory.token === "";
    if (this.#dialog.open) return;
    this.#dialog.showModal();
    if (isLogin) this.#token.focus();
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
