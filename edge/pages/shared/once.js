/** Something that is said by hand, and must not be there twice: what nobody answered is said again by the same id. */

import { newId, Refusal } from "../sdk/protocol.js";

export class Once {
  /** What nobody answered, as text; "" for nothing. */
  #open = "";
  #cid = "";

  /** @param {string} what is said, with all that belongs to it @returns {boolean} whether nobody knows what came of it */
  isOpen(what) {
    return what !== "" && what === this.#open;
  }

  /** It is known now, or given up. @param {string} [cid] if it is still this one @returns {boolean} whether it was open */
  settle(cid = this.#cid) {
    const wasOpen = this.#open !== "" && cid === this.#cid;
    if (wasOpen) this.#open = "";
    return wasOpen;
  }

  /**
   * @template T
   * @param {string} what is said, with all that belongs to it @param {(cid: string) => Promise<T>} say
   * @returns {Promise<T>} @throws {Refusal}
   */
  async say(what, say) {
    const wasOpen = this.isOpen(what);
    const cid = wasOpen ? this.#cid : newId();
    [this.#open, this.#cid] = [what, cid];
    try {
      const answer = await say(cid);
      this.settle(cid);
      return answer;
    } catch (error) {
      if (!(error instanceof Refusal && leavesOpen(error, wasOpen))) this.settle(cid);
      throw error;
    }
  }
}

/** What is refused for a while says nothing of an earlier try. @param {Refusal} refusal @param {boolean} wasOpen */
function leavesOpen({ isUndecided, retryMs }, wasOpen) {
  return isUndecided || (wasOpen && retryMs !== null);
}
