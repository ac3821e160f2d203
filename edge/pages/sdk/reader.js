/**
 * Where a reader stands in a room, and what it may show next. Knows no clock and no socket.
 *
 * Batches may come twice, late or never, and the room's owner may change under way. Each item is shown
 * once and in order all the same: what continues the position is shown at once, what does not is held
 * (up to a bound) until the gap before it has been pulled.
 *
 * @typedef {import("./protocol.js").Position} Position
 * @typedef {import("./protocol.js").Batch} Batch
 * @typedef {import("./protocol.js").Skip} Skip
 * @typedef {{position: Position, at: number, item: import("./protocol.js").Item}} Placed
 */

/** @type {Readonly<Position>} */
export const START = Object.freeze({ epoch: 0, seq: 0 });

const HOLD_ITEMS = 2000;

/** Below zero when `a` comes before `b`. @param {Position} a @param {Position} b */
export function compare(a, b) {
  return a.epoch - b.epoch || a.seq - b.seq;
}

export class Reader {
  /** @type {(Batch | Skip)[]} */
  #held = [];
  #started = false;
  #head;
  #holdItems;

  /** Without a position it starts where the first join says. @param {Position | null} position */
  constructor(position = null, holdItems = HOLD_ITEMS) {
    /** The last position that was shown, skipped or given up. @type {Position} */
    this.position = position ?? START;
    /** At least so many items are lost for good, because nobody keeps them any more. */
    this.missed = 0;
    /** So many items were left out by the edge, which could not show them in time. */
    this.skipped = 0;
    this.#started = position !== null;
    this.#head = this.position;
    this.#holdItems = holdItems;
  }

  /** What to say when joining again; null before the first join. @returns {Position | null} */
  get since() {
    return this.#started ? this.position : null;
  }

  /** After which position something is missing; null without a gap. @returns {Position | null} */
  get gap() {
    return this.#started && compare(this.position, this.#head) < 0 ? this.position : null;
  }

  /** A frame as it came; returns what may be shown now. @param {Batch | Skip} frame @returns {Placed[]} */
  take(frame) {
    if (this.#isSeen(frame)) return [];
    this.stats(last(frame));
    if (!this.#started || !this.#continues(frame)) {
      this.#hold(frame);
      return [];
    }
    return [...this.#show(frame), ...this.#showHeld()];
  }

  /** The room's newest position, as `stats` or a join tells it. @param {Position} head */
  stats(head) {
    if (compare(head, this.#head) > 0) this.#head = head;
  }

  /**
   * The answer to a join that said `since`: the first fixes where to start, others close the gap.
   * @param {Position | null} since @param {Position} head @param {Batch[]} batches @param {boolean} complete
   * @returns {Placed[]}
   */
  joined(since, head, batches, complete) {
    if (since !== null) {
      this.stats(head);
      return this.history(since, batches, complete);
    }
    this.#started = true;
    const shown = this.#showHistory(batches);
    this.missed = 0;
    if (compare(head, this.position) > 0) this.position = head;
    return [...shown, ...this.#showHeld()];
  }

  /**
   * The answer to a pull that said `since`; where it brings nothing, what cannot be had is given up.
   * @param {Position} since @param {Batch[]} batches @param {boolean} complete
   * @returns {Placed[]}
   */
  history(since, batches, complete) {
    const shown = [...this.#showHistory(batches), ...this.#showHeld()];
    if (this.gap === null || compare(this.position, since) > 0) return shown;
    const held = this.#held.shift();
    if (held !== undefined) {
      this.#missUntil(held);
      shown.push(...this.#show(held), ...this.#showHeld());
    } else if (complete) {
      this.#head = this.position; // whoever answered knows no more yet; the next stats tells again
    } else {
      this.#miss(this.#head);
      this.position = this.#head;
    }
    return shown;
  }

  /** The connection is gone: the next join says what came after `position`. */
  lost() {
    this.#held = [];
  }

  /** @param {Batch[]} batches */
  #showHistory(batches) {
    const shown = [];
    for (const batch of batches) {
      if (!this.#isSeen(batch) && !this.#continues(batch)) shown.push(...this.#showHeld());
      if (this.#isSeen(batch)) continue;
      if (!this.#continues(batch)) this.#missUntil(batch);
      shown.push(...this.#show(batch));
    }
    return shown;
  }

  #showHeld() {
    const shown = [];
    while (this.#held.length > 0) {
      if (this.#isSeen(this.#held[0])) this.#held.shift();
      else if (this.#continues(this.#held[0])) shown.push(...this.#show(/** @type {Batch} */ (this.#held.shift())));
      else break;
    }
    return shown;
  }

  /** Whether all of it was shown before, or belongs to an epoch that is over. @param {Batch | Skip} frame */
  #isSeen(frame) {
    return compare(last(frame), this.position) <= 0;
  }

  /** @param {Batch | Skip} frame */
  #continues(frame) {
    if (frame.epoch === this.position.epoch) return first(frame).seq <= this.position.seq + 1;
    const before = previous(frame);
    return before !== null && compare(before, this.position) <= 0;
  }

  /** Beyond the bound it is forgotten, the head still knows that it was there. @param {Batch | Skip} frame */
  #hold(frame) {
    const weight = this.#held.reduce((sum, one) => sum + weigh(one), weigh(frame));
    if (weight > this.#holdItems) return;
    const after = this.#held.findIndex((one) => compare(first(one), first(frame)) > 0);
    this.#held.splice(after < 0 ? this.#held.length : after, 0, frame);
  }

  /** @param {Batch | Skip} frame @returns {Placed[]} */
  #show(frame) {
    const begin = first(frame);
    const end = last(frame);
    const seen = begin.epoch === this.position.epoch ? Math.max(0, this.position.seq + 1 - begin.seq) : 0;
    this.position = end;
    if (frame.t === "skip") {
      this.skipped += end.seq + 1 - begin.seq - seen;
      return [];
    }
    return frame.items.slice(seen).map((item, index) => ({
      position: { epoch: begin.epoch, seq: begin.seq + seen + index },
      at: frame.at,
      item,
    }));
  }

  /** @param {Batch | Skip} frame */
  #missUntil(frame) {
    const begin = first(frame);
    this.#miss(previous(frame) ?? { epoch: begin.epoch, seq: begin.seq - 1 });
  }

  /** @param {Position} end */
  #miss(end) {
    const known = end.epoch === this.position.epoch ? end.seq - this.position.seq : end.seq;
    this.missed += Math.max(1, known);
  }
}

/** @param {Batch | Skip} frame @returns {Position} */
function first(frame) {
  return { epoch: frame.epoch, seq: frame.t === "skip" ? frame.from : frame.seq };
}

/** @param {Batch | Skip} frame @returns {Position} */
function last(frame) {
  return { epoch: frame.epoch, seq: frame.t === "skip" ? frame.to : frame.seq + frame.items.length - 1 };
}

/** @param {Batch | Skip} frame @returns {Position | null} */
function previous(frame) {
  return frame.prev ?? null;
}

/** @param {Batch | Skip} frame */
function weigh(frame) {
  return frame.t === "skip" ? 1 : frame.items.length;
}
