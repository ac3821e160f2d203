/**
 * How long to wait for answers, and before coming back after a connection was lost. Milliseconds.
 *
 * @typedef {object} Timing
 * @property {number} connect to open a connection and be greeted
 * @property {number} answer for a call, unless it says otherwise
 * @property {number} pong without an answer to a ping the connection is dead
 * @property {number} heartbeat so long nothing is heard before a ping, where the service does not tell
 * @property {number} firstRetry @property {number} mostRetry bounds of the backoff
 * @property {number} stable a connection that lasted so long resets the backoff
 * @property {number} pullJitter spreads the pulls of many viewers with the same gap
 */

/** @type {Readonly<Timing>} */
export const TIMING = Object.freeze({
  connect: 10_000,
  answer: 10_000,
  pong: 8_000,
  heartbeat: 25_000,
  firstRetry: 500,
  mostRetry: 30_000,
  stable: 10_000,
  pullJitter: 500,
});


/** Whether a client may come back by itself after its socket was closed with this code. @param {number} code */
export function mayReconnect(code) {
  return code < 4400 || code > 4499;
}

/** Exponential backoff with full jitter, reset by a connection that lasted; respects the close codes. */
export class Pace {
  #timing;
  #random;
  #failures = 0;
  /** @type {number | null} */
  #connectedAt = null;
  /** @type {number | null} */
  #notBefore = null;

  /** @param {Timing} timing @param {() => number} random from 0 to 1 */
  constructor(timing, random) {
    this.#timing = timing;
    this.#random = random;
  }

  /** @param {number} now */
  connected(now) {
    this.#connectedAt = now;
  }

  /** The server spreads its clients. @param {number} retryMs @param {number} now */
  askedToWait(retryMs, now) {
    this.#notBefore = now + retryMs;
  }

  /**
   * Until the next attempt after a close with `code`; null: do not come back.
   * @param {number} code @param {number} now
   * @returns {number | null}
   */
  wait(code, now) {
    if (!mayReconnect(code)) return null;
    if (this.#connectedAt !== null && now - this.#connectedAt >= this.#timing.stable) this.#failures = 0;
    const asked = this.#notBefore;
    this.#notBefore = this.#connectedAt = null;
    const atOnce = this.#failures === 0 && (asked !== null || (code >= 4000 && code < 4100));
    const backoff = Math.min(this.#timing.mostRetry, this.#timing.firstRetry * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 16);
    return Math.max(atOnce ? 0 : this.#random() * backoff, asked === null ? 0 : asked - now);
  }
}

/** Less where `signal` says to wait no longer. @param {number} ms @param {AbortSignal} [signal] @returns {Promise<void>} */
export function sleep(ms, signal) {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const wake = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", wake);
      resolve();
    };
    const timer = setTimeout(wake, ms);
    signal?.addEventListener("abort", wake);
  });
}
