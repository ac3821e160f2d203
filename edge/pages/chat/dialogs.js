/**
 * The dialog that begins a conversation.
 *
 * @typedef {import("../sdk/groups.js").Groups} Groups
 */

import { isId, Refusal } from "../sdk/protocol.js";
import { makeClosable, part } from "../shared/dialog.js";
import { sentence } from "../shared/language.js";

export const BAD_UIDS = "user ids are letters, digits, - and _, at most 64; several are separated by commas";

/** Do it, and say in words what is refused. @param {HTMLElement} outcome @param {() => Promise<void>} act */
export async function attempt(outcome, act) {
  outcome.textContent = "";
  try {
    await act();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    outcome.textContent = sentence(error.message);
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
    if (!uids.every(isId)) throw new Refusal("bad_id", BAD_UIDS);
    if (name !== "") {
      const { conv } = await this.#groups.make(name, uids);
      this.#dialog.close();
      this.#openGroup(conv);
      return;
    }
    if (uids.length !== 1) throw new Refusal("bad_frame", uids.length === 0 ? "say with whom" : "a group needs a name");
    if (uids[0] === this.#me()) throw new Refusal("bad_frame", "that is yourself");
    this.#dialog.close();
    this.#privately(uids[0]);
  }
}
