/**
 * What one says in conversations, and which of it nobody answered. Once that has come after all, it is known.
 *
 * @typedef {import("../sdk/protocol.js").Chat} Chat
 */

import { Once } from "../shared/once.js";

export class Sayings {
  /** By conversation. @type {Map<string, Once>} */
  #all = new Map();

  /**
   * @param {string} conv @param {string} what is said there, and by whom @param {(cid: string) => Promise<void>} say
   * @throws {import("../sdk/protocol.js").Refusal}
   */
  say(conv, what, say) {
    const once = this.#all.get(conv) ?? new Once();
    this.#all.set(conv, once);
    return once.say(what, say);
  }

  /** @param {Chat[]} messages that have come @returns {Chat[]} those which nobody had answered yet */
  settle(messages) {
    return messages.filter(({ conv, cid }) => cid !== undefined && this.#all.get(conv)?.settle(cid));
  }
}
