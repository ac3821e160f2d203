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

  /**
   * @template T @param {() => Promise<T>} act @param {string} [done] what to say then
   * @param {() => HTMLElement | null} [line] where it stays said why not; null: only in passing
   * @returns {Promise<T | null>} null where it was refused
   */
  async tell(act, done = "", line = () => null) {
    const before = line();
    if (before !== null) before.textContent = "";
    const answer = await told({ bad: (why) => this.#refuse(why, line()) }, act);
    if (answer !== null && done) this.#toasts.good(done);
    return answer;
  }

  /** @param {string} why @param {HTMLElement | null} line */
  #refuse(why, line) {
    if (line === null) this.#toasts.bad(why);
    else line.textContent = why;
  }
}
