/** The rules of a room as one follows them: what is different by each change, also of those that history tells. */

import { changesInWords } from "./rules.js";

/** @typedef {import("../sdk/protocol.js").RoomSettings} RoomSettings */

export class Ruling {
  /** @type {RoomSettings} */
  #now = {};
  /** Before that which history tells next; null where nobody knows. @type {RoomSettings | null} */
  #before = null;
  #since = -Infinity;

  /** One came in, or in again: what was shown before is history. @param {RoomSettings} settings that hold now @param {number} at */
  hold(settings, at) {
    if (this.#since !== -Infinity) this.#before = this.#now;
    this.#now = settings;
    this.#since = at;
  }

  /**
   * Other rules were told.
   * @param {RoomSettings} settings @param {number} at @returns {string} what is different; "" where that is nothing viewers mind, or not known
   */
  change(settings, at) {
    const isHistory = at < this.#since;
    const before = isHistory ? this.#before : this.#now;
    if (isHistory) this.#before = settings;
    else this.#now = settings;
    return before === null ? "" : changesInWords(before, settings);
  }
}
