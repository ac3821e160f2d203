/**
 * What one says in conversations, and which of it nobody answered. Once that has come after all, it is known.
 *
 * @typedef {import("../sdk/protocol.js").Chat} Chat
 */

import { Refusal } from "../sdk/protocol.js";
import { Once } from "../shared/once.js";

export class Sayings {
  /** By conversation. @type {Map<string, Once>} */
  #all = new Map();

  /**
   * @param {string} conv @param {string} what is said there, and by whom @param {(cid: string) => Promise<void>} say
   * @throws {Refusal} unless it has come all the same
   */
  async say(conv, what, say) {
    const once = this.#all.get(conv) ?? new Once();
    this.#all.set(conv, once);
    try {
      await once.say(what, say);
    } catch (error) {
      const hasCome = error instanceof Refusal && error.isUndecided && !once.isOpen(what);
      if (!hasCome) throw error;
    }
  }

  /** @param {Chat[]} messages that have come @returns {Chat[]} those which nobody had answered yet */
  settle(messages) {
    return messages.filter(({ conv, cid }) => cid !== undefined && this.#all.get(conv)?.settle(cid));
  }
}
