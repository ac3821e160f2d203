/**
 * What is in the picture, and where: decides, and draws nothing. Pure.
 *
 * Its clock is the sum of the frames it was given, so it stands still while nobody looks. What finds no
 * free place waits a moment and is then left out, for a picture too full cannot be read. While a comment is
 * picked it stands still, and those behind it in its lanes wait: so none ever runs into another.
 *
 * @typedef {import("./comment.js").Entry} Entry
 * @typedef {import("./lanes.js").Flight} Flight
 * @typedef {import("./lanes.js").Place} Place
 * @typedef {import("./options.js").Options} Options
 * @typedef {import("./queue.js").Waiting} Waiting
 * @typedef {{width: number, height: number}} Size CSS pixels
 * @typedef {(entry: Entry, look: {base: number, most: number, options: Readonly<Options>}) => Size} Measure `base`: pixels
 *   of a comment of normal size; `most`: width of one that stands, which cannot leave at a side
 * @typedef {object} Shown
 * @property {Entry} entry
 * @property {number} width
 * @property {number} height
 * @property {Place} place
 * @property {number} since
 * @property {number} until
 * @property {Flight | null} flight null: it stands
 */

import { Lanes, leavesAt, leftOf } from "./lanes.js";
import { Queue } from "./queue.js";

const FADE_S = 0.25;
const GAP = 28;
const LONGEST_FRAME_S = 0.1;
const RESERVE = 10; // places more for own comments and staff
const MOST_AREA = 4_000_000; // CSS pixels of all comments together: bounds the memory of their pictures

export class Stage {
  #options;
  #measure;
  #width = 0;
  #height = 0;
  #base = 0;
  /** What the lanes were made for. */
  #arranged = "";
  #lanes = new Lanes(1, GAP);
  #now = 0;
  #queue = new Queue();
  #admitted = 0;
  #area = 0;
  /** In the order in which they came. @type {Shown[]} */
  #shown = [];
  /** @type {Shown | null} */
  #picked = null;

  /** @param {Readonly<Options>} options of which `isStill` is settled @param {Measure} measure */
  constructor(options, measure) {
    this.#options = options;
    this.#measure = measure;
  }

  /** What is in the picture: what is drawn later lies above. @returns {readonly Shown[]} */
  get shown() {
    return this.#shown;
  }

  get isEmpty() {
    return this.#shown.length === 0 && this.#queue.length === 0;
  }

  /** @returns {Shown | null} */
  get picked() {
    return this.#picked;
  }

  /** Pixels of a comment of normal size. */
  get base() {
    return this.#base;
  }

  get figures() {
    const { dropped, length: waiting } = this.#queue;
    return { admitted: this.#admitted, shown: this.#shown.length, waiting, dropped };
  }

  /** @param {number} width @param {number} height CSS pixels */
  resize(width, height) {
    this.#width = width;
    this.#height = height;
    this.#arrange();
  }

  /** @param {Readonly<Options>} options */
  configure(options) {
    this.#options = options;
    if (!options.isOn) this.clear();
    this.#keep(({ entry }) => options.modes.includes(entry.mode));
    this.#queue.forgetSizes();
    this.#arrange();
  }

  clear() {
    this.#keep(() => false);
    this.#queue.clear();
    this.#lanes.clear();
  }

  /** @param {Entry} entry */
  push(entry) {
    const { isOn, modes, mostWaiting } = this.#options;
    if (isOn && this.#height > 0 && modes.includes(entry.mode)) this.#queue.push(entry, this.#now, mostWaiting);
    else this.#queue.drop(entry.rank);
  }

  /** Gone from the picture, and not counted as left out. @param {(entry: Entry) => boolean} isGone */
  remove(isGone) {
    this.#queue.remove(isGone);
    for (const one of this.#shown) {
      if (one.flight === null && isGone(one.entry)) this.#lanes.prolong(modeOf(one), one.place, this.#now);
    }
    this.#keep(({ entry }) => !isGone(entry));
  }

  /** The next frame, so long after the one before. @param {number} seconds */
  step(seconds) {
    const passed = Math.min(Math.max(0, seconds), LONGEST_FRAME_S);
    this.#now += passed;
    this.#hold(passed);
    this.#keep((one) => one.until > this.#now);
    this.#queue.admit(this.#now, this.#options.patience, (one) => this.#enter(one));
  }

  /** @param {Shown} one */
  leftOf(one) {
    return one.flight === null ? (this.#width - one.width) / 2 : leftOf(one.flight, this.#now);
  }

  /** How much of it is there: what stands fades in and out. @param {Shown} one */
  fadeOf(one) {
    if (one.flight !== null) return 1;
    return Math.max(0, Math.min(1, (this.#now - one.since) / FADE_S, (one.until - this.#now) / FADE_S));
  }

  /** The uppermost at this point, or as near. @param {number} x @param {number} y @param {number} slack pixels @returns {Shown | null} */
  at(x, y, slack = 0) {
    const isHit = (/** @type {Shown} */ one) => {
      const left = this.leftOf(one);
      const isBeside = x < left - slack || x > left + one.width + slack;
      return !isBeside && y >= one.place.y - slack && y <= one.place.y + one.height + slack;
    };
    return this.#shown.findLast((one) => one.flight === null && isHit(one)) ?? this.#shown.findLast(isHit) ?? null;
  }

  /** Stop this one; null: let go of the one that was stopped. @param {Shown | null} one */
  pick(one) {
    this.#picked = one !== null && this.#shown.includes(one) ? one : null;
  }

  /** @param {number} seconds */
  #hold(seconds) {
    const picked = this.#picked;
    if (picked === null) return;
    if (picked.flight === null) {
      picked.until += seconds;
      this.#lanes.prolong(modeOf(picked), picked.place, picked.until);
      return;
    }
    const held = [picked.place];
    for (const one of this.#shown.slice(this.#shown.indexOf(picked))) {
      if (one.flight === null) continue;
      if (one !== picked && !held.some((place) => meets(place, one.place))) continue;
      if (one !== picked) held.push(one.place);
      one.flight.start += seconds;
      one.until += seconds;
    }
  }

  /** @param {Waiting} waiting */
  #enter(waiting) {
    const { entry } = waiting;
    const isStill = this.#options.isStill === true;
    const isFlying = entry.mode === "scroll" && !isStill;
    const isFirst = entry.rank === "own" || entry.rank === "staff";
    if (this.#shown.length >= this.#options.most + (isFirst ? RESERVE : 0)) return false;
    if (waiting.width === 0) {
      const most = isFlying ? Infinity : this.#width;
      Object.assign(waiting, this.#measure(entry, { base: this.#base, most, options: this.#options }));
    }
    const { width, height } = waiting;
    if (this.#area > 0 && this.#area + width * height > MOST_AREA) return false;
    const { seconds, standSeconds } = this.#options;
    const mode = entry.mode === "bottom" ? "bottom" : "top";
    const flown = isFlying ? this.#lanes.fly(width, height, this.#now, seconds) : null;
    const place = isFlying ? flown : this.#lanes.stand(mode, height, this.#now, standSeconds, isStill);
    if (place === null) return false;
    const until = flown === null ? this.#now + standSeconds : leavesAt(flown.flight);
    this.#shown.push({ entry, width, height, place, since: this.#now, until, flight: flown?.flight ?? null });
    this.#area += width * height;
    this.#admitted += 1;
    return true;
  }

  /** @param {(one: Shown) => boolean} stays */
  #keep(stays) {
    this.#shown = this.#shown.filter(stays);
    this.#area = this.#shown.reduce((sum, one) => sum + one.width * one.height, 0);
    this.pick(this.#picked);
  }

  /** Lanes for this size and look; what is of another size, or outside now, goes. */
  #arrange() {
    const { fontSize, scale, area } = this.#options;
    const usual = this.#width < 600 ? 17 : this.#width < 1000 ? 21 : 24;
    const base = Math.max(8, Math.round((fontSize || usual) * scale));
    const height = this.#height * area;
    const arranged = `${base} ${this.#width} ${height}`;
    if (arranged === this.#arranged) return;
    this.#arranged = arranged;
    if (base !== this.#base) {
      this.#base = base;
      this.#lanes = new Lanes(Math.round(base * 1.5), GAP);
      this.#keep(() => false);
    }
    this.#lanes.resize(this.#width, height);
    this.#keep((one) => one.flight !== null && one.place.y + one.height <= height);
    this.#queue.forgetSizes();
  }
}

/** @param {Shown} one */
function modeOf({ entry }) {
  return entry.mode === "bottom" ? "bottom" : "top";
}

/** Whether they have a lane in common. @param {Place} one @param {Place} other */
function meets(one, other) {
  return one.lane < other.lane + other.span && other.lane < one.lane + one.span;
}
