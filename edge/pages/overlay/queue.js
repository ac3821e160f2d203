/**
 * Comments that wait for a place, the most wanted first. Bounded; what is left out is counted. Pure.
 *
 * Too many: the oldest of the least wanted goes, for what is new says more of a live picture.
 *
 * @typedef {import("./comment.js").Entry} Entry
 * @typedef {import("./comment.js").Rank} Rank
 * @typedef {{entry: Entry, since: number, width: number, height: number}} Waiting `width` 0: not measured yet
 */

import { RANKS } from "./comment.js";

const MORE_PATIENCE = 3; // own comments wait so many times longer

export class Queue {
  /** @type {Record<Rank, Waiting[]>} */
  #lines = { own: [], staff: [], paid: [], plain: [] };
  #dropped = { own: 0, staff: 0, paid: 0, plain: 0 };

  get length() {
    return RANKS.reduce((sum, rank) => sum + this.#lines[rank].length, 0);
  }

  /** How many were left out, by rank. */
  get dropped() {
    return { ...this.#dropped };
  }

  /** @param {Entry} entry @param {number} now seconds @param {number} most that may wait */
  push(entry, now, most) {
    this.#lines[entry.rank].push({ entry, since: now, width: 0, height: 0 });
    while (this.length > most) this.#dropOne();
  }

  /** Left out before it even waited. @param {Rank} rank */
  drop(rank) {
    this.#dropped[rank] += 1;
  }

  /**
   * Let those in who find a place; who has waited too long is left out.
   * @param {number} now @param {number} patience seconds @param {(one: Waiting) => boolean} enter
   */
  admit(now, patience, enter) {
    for (const rank of RANKS) {
      const most = rank === "own" ? patience * MORE_PATIENCE : patience;
      if (this.#lines[rank].length === 0) continue;
      this.#lines[rank] = this.#lines[rank].filter((one) => {
        if (enter(one)) return false;
        if (now - one.since < most) return true;
        this.drop(rank);
        return false;
      });
    }
  }

  /** @param {(entry: Entry) => boolean} isGone */
  remove(isGone) {
    for (const rank of RANKS) this.#lines[rank] = this.#lines[rank].filter(({ entry }) => !isGone(entry));
  }

  /** They are as large as another look makes them. */
  forgetSizes() {
    for (const rank of RANKS) for (const one of this.#lines[rank]) one.width = 0;
  }

  clear() {
    this.remove(() => true);
  }

  #dropOne() {
    const rank = /** @type {Rank} */ (RANKS.findLast((rank) => this.#lines[rank].length > 0));
    this.#lines[rank].shift();
    this.drop(rank);
  }
}
