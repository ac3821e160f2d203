/** What one voted for, as this browser remembers it: the service counts votes, and tells nobody whose they are. */

import { ever, readMap, write } from "../shared/storage.js";

const KEY = "danmaku.votes";
const MOST = 50; // polls, the latest

export class Votes {
  /** By room, poll and user. @type {Map<string, number>} */
  #options = new Map();

  constructor() {
    for (const [key, option] of Object.entries(readMap(KEY)).slice(-MOST)) {
      if (Number.isSafeInteger(option)) this.#options.set(key, Number(option));
    }
  }

  /** @param {string} key @returns {number} the option, or -1 */
  find(key) {
    return this.#options.get(key) ?? -1;
  }

  /** @param {string} key @param {number} option */
  keep(key, option) {
    this.#options.delete(key);
    this.#options.set(key, option);
    for (const oldest of [...this.#options.keys()].slice(0, -MOST)) this.#options.delete(oldest);
    write(ever, KEY, JSON.stringify(Object.fromEntries(this.#options)));
  }
}
