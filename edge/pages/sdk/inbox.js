/**
 * A bounded queue between the connection and one reader, for `for await` or for callbacks.
 *
 * When it is full the oldest is dropped and counted: what a live room says now is worth more than what it said
 * before, and no reader can hold up the others of its connection.
 */

import { Bell } from "./bell.js";

const COMPACT_FROM = 1000;

/** @template {{kind: string}} T */
export class Inbox {
  /** So many were dropped because the reader was too slow. */
  dropped = 0;
  /** @type {(T | undefined)[]} */
  #items = [];
  #first = 0;
  /** @type {T | null} */
  #latest = null;
  #size;
  #taken;
  #isOver = false;
  /** @type {Error | null} */
  #error = null;
  #news = new Bell();
  /** @type {Map<string, Set<(given: any) => void>> | null} */
  #acts = null;

  /** @param {number} size @param {() => void} taken told after each that was read */
  constructor(size, taken = () => {}) {
    this.#size = size;
    this.#taken = taken;
  }

  /** How many wait. */
  get length() {
    return this.#items.length - this.#first;
  }

  /** What waits, oldest first. @returns {T[]} */
  get waiting() {
    return /** @type {T[]} */ (this.#items.slice(this.#first));
  }

  /** @param {T} item */
  put(item) {
    if (this.#isOver) return;
    if (this.length >= this.#size) {
      this.#shift();
      this.dropped += 1;
    }
    this.#items.push(item);
    this.#news.ring();
  }

  /** Replaces the one before it, takes no room from the others, and is read first. @param {T} item */
  putLatest(item) {
    if (this.#isOver) return;
    this.#latest = item;
    this.#news.ring();
  }

  /** Nothing more will come: once what waits is read, iteration stops, or throws `error`. @param {Error | null} [error] */
  end(error = null) {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#error = error;
    this.#news.ring();
  }

  /** Leaving a loop does not end it: the next one goes on. @returns {AsyncIterator<T>} */
  [Symbol.asyncIterator]() {
    return { next: () => this.#next() };
  }

  /**
   * Call `act` with each that is of this kind; with "item": with each, with "end": when nothing more comes, with the
   * Refusal that says why, or null. What waits from before the first `on` is told, too.
   * @param {string} kind @param {(given: any) => void} act
   * @returns {() => void} no longer
   */
  on(kind, act) {
    const acts = (this.#acts ??= this.#tellAll());
    const some = acts.get(kind) ?? new Set();
    acts.set(kind, some.add(act));
    return () => void some.delete(act);
  }

  /** @returns {Promise<IteratorResult<T, undefined>>} */
  async #next() {
    while (this.#latest === null && this.length === 0) {
      if (!this.#isOver) await this.#news.heard();
      else if (this.#error !== null) throw this.#error;
      else return { done: true, value: undefined };
    }
    const value = this.#latest ?? this.#shift();
    this.#latest = null;
    this.#taken();
    return { done: false, value };
  }

  #shift() {
    const item = /** @type {T} */ (this.#items[this.#first]);
    this.#items[this.#first] = undefined;
    this.#first += 1;
    if (this.#first >= COMPACT_FROM && this.#first * 2 > this.#items.length) {
      this.#items.splice(0, this.#first);
      this.#first = 0;
    }
    return item;
  }

  /** @returns {Map<string, Set<(given: any) => void>>} */
  #tellAll() {
    const acts = new Map();
    /** @param {string} kind @param {unknown} given */
    const tell = (kind, given) => {
      for (const act of [...(acts.get(kind) ?? [])]) {
        try {
          act(given);
        } catch (error) {
          queueMicrotask(() => { throw error; }); // it is its author's to see; the others are told all the same
        }
      }
    };
    void (async () => {
      try {
        for await (const item of this) {
          tell(item.kind, item);
          tell("item", item);
        }
        tell("end", null);
      } catch (refusal) {
        tell("end", refusal);
      }
    })();
    return acts;
  }
}
