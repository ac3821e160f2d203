/**
 * Whether the other one of a private conversation may send: blocks him, or lets him send again.
 *
 * @typedef {import("../sdk/calls.js").Calls} Calls
 */

import { Refusal } from "../sdk/protocol.js";
import { confirmed } from "../shared/confirm.js";
import { part } from "../shared/dialog.js";
import { t } from "../shared/language.js";
import { refused } from "../shared/wording.js";

const BLOCKS = "v1/chat/blocks";

export class BlockButton {
  #button = /** @type {HTMLButtonElement} */ (part("block-button"));
  #calls;
  #say;
  #uid = "";
  #isBlocked = false;

  /** @param {Calls} calls @param {(text: string, isBad: boolean) => void} say */
  constructor(calls, say) {
    this.#calls = calls;
    this.#say = say;
    this.#button.addEventListener("click", () => void this.#attempt(() => this.#turn()));
  }

  /** With whom one talks; nobody, or a group: "". @param {string} uid */
  look(uid) {
    if (uid === this.#uid) return;
    this.#uid = uid;
    this.#button.hidden = true; // until it is known
    if (uid !== "") void this.#attempt(() => this.#fetch(uid));
  }

  /** @param {string} uid @throws {Refusal} */
  async #fetch(uid) {
    this.#show(uid, await this.#calls.call("GET", BLOCKS));
  }

  /** @throws {Refusal} */
  async #turn() {
    const uid = this.#uid;
    this.#say("", false);
    if (this.#isBlocked) {
      this.#show(uid, await this.#calls.call("DELETE", `${BLOCKS}/${uid}`), t("unblock.done", { uid }));
    } else if (await confirmed(t("block.sure", { uid }), t("block"))) {
      this.#show(uid, await this.#calls.call("POST", BLOCKS, { uid }), t("block.done", { uid }));
    }
  }

  /** @param {string} uid @param {{uids: string[]}} blocked @param {string} done what to say of it */
  #show(uid, { uids }, done = "") {
    if (uid !== this.#uid) return;
    if (done !== "") this.#say(done, false);
    this.#isBlocked = uids.includes(uid);
    this.#button.hidden = false;
    this.#button.textContent = t(this.#isBlocked ? "unblock" : "block");
  }

  /** @param {() => Promise<void>} act */
  async #attempt(act) {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#say(refused(error), true);
    }
  }
}
