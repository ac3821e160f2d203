/**
 * What moderators of a room follow: the record, the comments that wait, the signs of abuse.
 *
 * Asked for every other second, and not by calls that wait: a browser has six connections to a service, and rooms side by side
 * would hold all of them while somebody wants to act.
 *
 * @typedef {import("../sdk/calls.js").Calls} Calls
 * @typedef {import("./trail.js").Entry} Entry
 * @typedef {{id: string, uid: string, name: string, text: string, why: string, at: number}} Held
 * @typedef {{at: number, kind: string, count: number, sample: string, since: number}} Sign
 * @typedef {object} Told
 * @property {(entries: Entry[]) => void} acted what was done since, oldest first
 * @property {(held: Held[]) => void} held all that waits, oldest first
 * @property {(signs: Sign[]) => void} signed what was seen since, oldest first
 * @property {(refusal: import("../sdk/protocol.js").Refusal) => void} refused one may not moderate here, or the room is not there
 */

import { Round } from "./round.js";
import { Trail } from "./trail.js";

const HELD = 100;
const SIGNS_EVERY = 2;

export class Watch {
  #calls;
  #base;
  #told;
  #trail;
  #round;
  #isOver = false;
  #sign = 0;
  #turn = 0;

  /** @param {Calls} calls @param {string} room @param {Told} told */
  constructor(calls, room, told) {
    this.#calls = calls;
    this.#base = `v1/admin/rooms/${room}`;
    this.#told = told;
    this.#trail = new Trail(calls, `${this.#base}/audit`);
    this.#round = new Round(() => this.#ask(), told.refused);
  }

  /** Until it is stopped. */
  run() {
    return this.#round.run();
  }

  /** Something was done just now, or the service is there again: look at once. */
  hurry() {
    this.#round.hurry();
  }

  stop() {
    this.#isOver = true;
    this.#round.stop();
  }

  #ask() {
    return [this.#acted(), this.#held(), ...(this.#turn++ % SIGNS_EVERY === 0 ? [this.#signed()] : [])];
  }

  async #acted() {
    const entries = await this.#trail.next();
    if (!this.#isOver && entries.length > 0) this.#told.acted(entries);
  }

  async #held() {
    const { held } = await this.#calls.call("GET", `${this.#base}/held?limit=${HELD}`);
    if (!this.#isOver) this.#told.held(held);
  }

  async #signed() {
    const { signs } = await this.#calls.call("GET", `${this.#base}/signs?after=${this.#sign}`);
    if (this.#isOver || signs.length === 0) return;
    this.#sign = signs[signs.length - 1].at;
    this.#told.signed(signs);
  }
}
