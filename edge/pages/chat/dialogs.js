/**
 * The dialog that begins a conversation.
 *
 * @typedef {import("../sdk/groups.js").Groups} Groups
 */

import { isId, Refusal } from "../sdk/protocol.js";
import { makeClosable, part } from "../shared/dialog.js";
import { t } from "../shared/language.js";
import { refused } from "../shared/wording.js";

/** What the page itself says no to. @param {string} key */
export function complaint(key) {
  return new Refusal("page", t(key));
}

/** Do it, and say in words what is refused. @param {HTMLElement} outcome @param {() => Promise<void>} act */
export async function attempt(outcome, act) {
  outcome.textContent = "";
  try {
    await act();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    outcome.textContent = refused(error);
  }
}

export class NewDialog {
  #dialog = /** @type {HTMLDialogElement} */ (part("new-dialog"));
  #uids = /** @type {HTMLInputElement} */ (part("new-uids"));
  #name = /** @type {HTMLInputElement} */ (part("new-name"));
  #outcome = part("new-outcome");
  #groups;
  #me;
  #privately;
  #openGroup;

  /**
   * @param {Groups} groups @param {() => string} me the user's own id @param {(uid: string) => void} privately
   * @param {(conv: string) => void} openGroup
   */
  constructor(groups, me, privately, openGroup) {
    this.#groups = groups;
    this.#me = me;
    this.#privately = privately;
    this.#openGroup = openGroup;
    makeClosable(this.#dialog);
    part("new-button").addEventListener("click", () => this.#open());
    part("new-form").addEventListener("submit", (event) => {
      event.preventDefault();
      void attempt(this.#outcome, () => this.#begin());
    });
  }

  #open() {
    this.#uids.value = this.#name.value = this.#outcome.textContent = "";
    this.#dialog.showModal();
    this.#uids.focus();
  }

  /** @throws {Refusal} */
  async #begin() {
    const uids = this.#uids.value.split(/[\s,]+/).filter((uid) => uid !== "");
    const name = this.#name.value.trim();
    if (!uids.every(isId)) throw complaint("bad.uids");
    if (name !== "") {
      const { conv } = await this.#groups.make(name, uids);
      this.#dialog.close();
      this.#openGroup(conv);
      return;
    }
    if (uids.length !== 1) throw complaint(uids.length === 0 ? "bad.nobody" : "bad.nameless");
    if (uids[0] === this.#me()) throw complaint("bad.yourself");
    this.#dialog.close();
    this.#privately(uids[0]);
  }
}
