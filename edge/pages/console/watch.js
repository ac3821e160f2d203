/**
 * What moderators of a room follow: the record, the comments that wait, the signs of abuse.
 *
 * Asked for every other second, and not by calls that wait: a browser has six connections to a service, and rooms side by side
 * would hold all of them while somebody wants to act.
 *
 * @typedef {import("../sdk/calls.js").Calls} Calls
 * @typedef {{at: number, by: string, role: string, verb: string, room: string, uid: string, what: string, reason: string, seconds: number | null}} Entry
 * @typedef {{id: string, uid: string, name: string, text: string, why: string, at: number}} Held
 * @typedef {{at: number, kind: string, count: number, sample: string, since: number}} Sign
 * @typedef {object} Told
 * @property {(entries: Entry[]) => void} acted what was done since, oldest first
 * @property {(held: Held[]) => void} held all that waits, oldest first
 * @property {(signs: Sign[]) => void} signed what was seen since, oldest first
 * @property {(refusal: Refusal) => void} refused one may not moderate here, or the room is not there
 */

import { sleep } from "../sdk/pace.js";
import { Refusal } from "../sdk/protocol.js";

const EVERY_MS = 2_000;
const HIDDEN_MS = 10_000;
const HELD = 100;
const PAGE = 200;
const SIGNS_EVERY = 2;

export class Watch {
  #calls;
  #base;
  #told;
  #over = new AbortController();
  #wake = () => {};
  #after = "";
  #sign = 0;
  #turn = 0;

  /** @param {Calls} calls @param {string} room @param {Told} told */
  constructor(calls, room, told) {
    this.#calls = calls;
    this.#base = `v1/admin/rooms/${room}`;
    this.#told = told;
  }

  /** Until it is stopped. */
  async run() {
    while (!this.#over.signal.aborted) {
      const least = await this.#look();
      const woken = new Promise((resolve) => (this.#wake = () => resolve(undefined)));
      await Promise.race([woken, sleep(Math.max(least, document.hidden ? HIDDEN_MS : EVERY_MS), this.#over.signal)]);
    }
  }

  /** Something was done just now: look at once. */
  hurry() {
    this.#wake();
  }

  stop() {
    this.#over.abort();
    this.#wake();
  }

  /** @returns {Promise<number>} not before so many ms again */
  async #look() {
    const looks = [this.#acted(), this.#held(), ...(this.#turn++ % SIGNS_EVERY === 0 ? [this.#signed()] : [])];
    let least = 0;
    for (const look of await Promise.allSettled(looks)) {
      if (look.status === "fulfilled" || this.#over.signal.aborted) continue;
      if (!(look.reason instanceof Refusal)) throw look.reason;
      least = Math.max(least, look.reason.retryMs ?? 0);
      if (!look.reason.retryable) this.#told.refused(look.reason);
    }
    return least;
  }

  async #acted() {
    const query = this.#after === "" ? "limit=50" : `limit=${PAGE}&after=${this.#after}`;
    const page = await this.#ask(`audit?${query}`);
    this.#after = page.after;
    if (page.entries.length > 0) this.#told.acted(page.entries);
  }

  async #held() {
    const page = await this.#ask(`held?limit=${HELD}`);
    this.#told.held(page.held);
  }

  async #signed() {
    const { signs } = await this.#ask(`signs?after=${this.#sign}`);
    if (signs.length === 0) return;
    this.#sign = signs[signs.length - 1].at;
    this.#told.signed(signs);
  }

  /** @param {string} path @returns {Promise<any>} */
  async #ask(path) {
    const answer = await this.#calls.call("GET", `${this.#base}/${path}`);
    if (this.#over.signal.aborted) throw new Refusal("unavailable", "nobody looks any more");
    return answer;
  }
}
