/** What one voted for, as this browser remembers it, or the service: on another device one may have voted, too. */

import { Refusal } from "../sdk/protocol.js";
import { ever, readMap, write } from "../shared/storage.js";

const KEY = "danmaku.votes";
const MOST = 50; // polls, the latest

export class Votes {
  /** By room, poll and user. @type {Map<string, number>} */
  #options = new Map();
  /** What the service was asked about: once is enough, or all would ask again who come back at one time. */
  #asked = new Set();
  #voted;

  /** @param {(poll: string) => Promise<number | null>} voted for which option, as the service knows it; throws Refusal */
  constructor(voted) {
    this.#voted = voted;
    for (const [key, option] of Object.entries(readMap(KEY)).slice(-MOST)) {
      if (Number.isSafeInteger(option)) this.#options.set(key, Number(option));
    }
  }

  /** @param {string} key @returns {number} the option, or -1 */
  find(key) {
    return this.#options.get(key) ?? -1;
  }

  /** Ask the service, unless that was done. @param {string} key @param {string} poll */
  async look(key, poll) {
    if (this.#options.has(key) || this.#asked.has(key)) return;
    this.#asked.add(key);
    await this.learn(key, poll);
  }

  /** Ask the service; where it cannot say there will be a conflict, and it is asked again. @param {string} key @param {string} poll */
  async learn(key, poll) {
    try {
      const option = await this.#voted(poll);
      if (option !== null) this.keep(key, option);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  }

  /** @param {string} key @param {number} option */
  keep(key, option) {
    this.#options.delete(key);
    this.#options.set(key, option);
    for (const oldest of [...this.#options.keys()].slice(0, -MOST)) this.#options.delete(oldest);
    write(ever, KEY, JSON.stringify(Object.fromEntries(this.#options)));
  }
}
