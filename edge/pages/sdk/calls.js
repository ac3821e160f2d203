/**
 * The HTTP API, for what has no frame.
 *
 * @typedef {string | null | (() => string | Promise<string>)} Token who you are, or where a fresh token comes from; null: a guest
 */

import { sleep } from "./pace.js";
import { Refusal } from "./protocol.js";

const ANSWER_MS = 10_000;
const ATTEMPTS = 3;
const AGAIN_MS = 400;

export class Calls {
  #token;
  #base;
  #renewed;
  #unanswered;
  #whose;

  /**
   * @param {() => string | Promise<string>} token "" for a guest @param {string | (() => string)} base where the service
   *   is, with a slash at its end
   * @param {(why: string) => boolean | Promise<boolean>} renewed told that the token is not taken any more; whether there is another one now
   * @param {() => void} unanswered told that an answer did not come
   * @param {() => unknown} whose who asks: what one user asked is never asked again as another
   */
  constructor(token, base = "", renewed = async () => false, unanswered = () => {}, whose = () => null) {
    this.#token = token;
    this.#base = typeof base === "function" ? base : () => base;
    this.#renewed = renewed;
    this.#unanswered = unanswered;
    this.#whose = whose;
  }

  /**
   * The answer; asked for again while it is unknown what came of it. Only for what may be said twice.
   * @param {string} method @param {string} path @param {object} [body] @param {number} [timeoutMs] longer for what waits
   *   for something to tell @returns {Promise<any>} @throws {Refusal}
   */
  async call(method, path, body, timeoutMs = ANSWER_MS) {
    const late = AbortSignal.timeout(timeoutMs);
    const whose = this.#whose();
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once(method, path, body, late);
      } catch (error) {
        if (!(error instanceof Refusal) || attempt === ATTEMPTS || late.aborted) throw error;
        if (error.isUndecided) await sleep((error.retryMs ?? AGAIN_MS) * (0.5 + Math.random()), late);
        else if (error.name !== "unauthorized" || !(await this.#renewed(error.message))) throw error;
        if (late.aborted || this.#whose() !== whose) throw error;
      }
    }
  }

  /** @param {string} method @param {string} path @param {object | undefined} body @param {AbortSignal} late */
  async #once(method, path, body, late) {
    const token = await this.#token();
    const headers = { ...(token && { Authorization: `Bearer ${token}` }), ...(body && { "Content-Type": "application/json" }) };
    const asked = { method, headers, body: body && JSON.stringify(body), signal: late };
    let answer;
    let said;
    try {
      answer = await fetch(this.#base() + path, asked);
      said = await answer.json();
    } catch (error) {
      if (!(error instanceof SyntaxError)) this.#unanswered(); // else something between answers, in words of its own
      if (late.aborted) throw new Refusal("timeout", "no answer came in time");
      throw new Refusal("unavailable", "the service cannot be reached right now");
    }
    if (answer.ok) return said;
    const { error = "internal", message = `the service said ${answer.status}`, retry_ms = null } = said.error ?? {};
    throw new Refusal(error, message, retry_ms);
  }
}
