/** When to knock again at a room that lets nobody in just now: soon at first, and never all viewers at one time. */

const FIRST_MS = 5_000;
const MOST_MS = 60_000;

/** Refusals that end by themselves, when the streamer opens the room. */
export const PASSING = new Set(["room_closed", "room_not_found"]);

export class Returning {
  #knock;
  #random;
  #timer = 0;
  #wait = FIRST_MS;

  /** @param {() => void} knock @param {() => number} [random] from 0 to 1 */
  constructor(knock, random = Math.random) {
    this.#knock = knock;
    this.#random = random;
  }

  /** Refused, perhaps again. */
  later() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#knock, this.#wait * (0.5 + this.#random()));
    this.#wait = Math.min(this.#wait * 2, MOST_MS);
  }

  /** Let in, or gone elsewhere. */
  stop() {
    clearTimeout(this.#timer);
    this.#wait = FIRST_MS;
  }
}
