/**
 * The record of a room, or of what was done for all, as it is written.
 *
 * @typedef {{at: number, by: string, role: string, verb: string, room: string, uid: string, what: string, reason: string, seconds: number | null}} Entry
 */

const FIRST = 50;
const PAGE = 200;

export class Trail {
  #calls;
  #path;
  #after = "";

  /** @param {import("../sdk/calls.js").Calls} calls @param {string} path */
  constructor(calls, path) {
    this.#calls = calls;
    this.#path = path;
  }

  /** What was done since, oldest first; the newest at first. @returns {Promise<Entry[]>} @throws {import("../sdk/protocol.js").Refusal} */
  async next() {
    const query = this.#after === "" ? `limit=${FIRST}` : `limit=${PAGE}&after=${this.#after}`;
    const page = await this.#calls.call("GET", `${this.#path}?${query}`);
    this.#after = page.after;
    return page.entries;
  }
}
