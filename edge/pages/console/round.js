/**
 * What is asked for again and again: every other second, more seldom while nobody sees the page or the service is away, never by all at one
 * time then, and at once where there is reason, but never sooner than the service asked for.
 */

import { sleep } from "../sdk/pace.js";
import { Refusal } from "../sdk/protocol.js";

const EVERY_MS = 2_000;
const HIDDEN_MS = 10_000;
const AWAY_MS = 16_000; // at most, give or take a half

export class Round {
  #ask;
  #refused;
  #random;
  #nap = new AbortController();
  #over = new AbortController();
  /** How many rounds in a row the service did not answer. */
  #failures = 0;

  /**
   * @param {() => Promise<void>[]} ask each may throw Refusal @param {(refusal: Refusal) => void} [refused] for good
   * @param {() => number} [random] from 0 to 1
   */
  constructor(ask, refused = () => {}, random = Math.random) {
    this.#ask = ask;
    this.#refused = refused;
    this.#random = random;
  }

  /** Until it is stopped. */
  async run() {
    while (!this.#over.signal.aborted) {
      const nap = (this.#nap = new AbortController()); // from now on, so that a hurry meanwhile counts
      const refusals = refusalsOf(await Promise.allSettled(this.#ask()));
      if (this.#over.signal.aborted) return;
      for (const refusal of refusals) if (!refusal.retryable) this.#refused(refusal);
      this.#failures = refusals.some(({ retryable }) => retryable) ? this.#failures + 1 : 0;
      const least = Math.max(0, ...refusals.map(({ retryMs }) => retryMs ?? 0));
      if (least > 0) await sleep(least, this.#over.signal);
      await sleep(Math.max(0, this.#pause - least), nap.signal);
    }
  }

  /** Ask as soon as the service allows: something was done, or it is there again. */
  hurry() {
    this.#nap.abort();
  }

  stop() {
    this.#over.abort();
    this.#nap.abort();
  }

  get #pause() {
    const usual = document.hidden ? HIDDEN_MS : EVERY_MS;
    if (this.#failures === 0) return usual;
    return Math.max(usual, Math.min(EVERY_MS * 2 ** this.#failures, AWAY_MS) * (0.5 + this.#random()));
  }
}

/** @param {PromiseSettledResult<void>[]} outcomes @returns {Refusal[]} */
function refusalsOf(outcomes) {
  const reasons = outcomes.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
  for (const reason of reasons) if (!(reason instanceof Refusal)) throw reason;
  return reasons;
}
