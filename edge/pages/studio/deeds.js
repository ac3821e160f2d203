/** What a streamer does, by one call each: it says that it is done, or why not. */

import { told } from "../shared/telling.js";

const DENIED = new Set(["forbidden", "room_not_found"]);

export class Deeds {
  #calls;
  #toasts;

  /** @param {import("../sdk/calls.js").Calls} calls @param {import("../shared/toasts.js").Toasts} toasts */
  constructor(calls, toasts) {
    this.#calls = calls;
    this.#toasts = toasts;
  }

  /**
   * @param {string} method @param {string} path @param {object} [body] @param {string} [done] what to say then
   * @returns {Promise<any>} the answer, null where it was refused
   */
  async call(method, path, body, done = "") {
    return this.tell(() => this.ask(method, path, body), done);
  }

  /** Without a word. @param {string} method @param {string} path @param {object} [body] @returns {Promise<any>} @throws {Refusal} */
  ask(method, path, body) {
    return this.#calls.call(method, path, body);
  }

  /** What is there; null, and nothing is said, where it cannot be had. @param {string} path @returns {Promise<any>} */
  async find(path) {
    return this.#calls.call("GET", path).catch(() => null);
  }

  /** Whether one may read that; where it cannot be known it is for the service to decide what one does. @param {string} path */
  async may(path) {
    return this.#calls.call("GET", path).then(() => true, ({ name }) => !DENIED.has(name));
  }

  /** @template T @param {() => Promise<T>} act @param {string} [done] @returns {Promise<T | null>} null where it was refused */
  async tell(act, done = "") {
    const answer = await told(this.#toasts, act);
    if (answer !== null && done) this.#toasts.good(done);
    return answer;
  }
}
