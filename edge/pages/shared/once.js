/** Something that is said by hand, and must not be there twice: what nobody answered is said again by the same id. */

import { newId, Refusal } from "../sdk/protocol.js";

const UNDECIDED = new Set(["unavailable", "timeout"]);

export class Once {
  /** What nobody answered, as text; "" for nothing. */
  #open = "";
  #cid = "";

  /** @param {string} what is said, with all that belongs to it @returns {boolean} whether nobody knows what came of it */
  isOpen(what) {
    return what !== "" && what === this.#open;
  }

  /** It is known now, or given up. */
  settle() {
    this.#open = "";
  }

  /**
   * @template T
   * @param {string} what is said, with all that belongs to it @param {(cid: string) => Promise<T>} say
   * @returns {Promise<T>} @throws {Refusal}
   */
  async say(what, say) {
    if (!this.isOpen(what)) this.#cid = newId();
    this.#open = what;
    try {
      const answer = await say(this.#cid);
      this.settle();
      return answer;
    } catch (error) {
      if (!(error instanceof Refusal && UNDECIDED.has(error.name))) this.settle();
      throw error;
    }
  }
}
