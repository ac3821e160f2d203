/** How a room goes: viewers and comments a second, sampled; bounded. Pure: times are given. */

/** @typedef {{at: number, viewers: number, rate: number}} Sample at in ms since 1970 */

const MOST = 900; // half an hour at one every two seconds
const WINDOW_S = 10;

export class Pulse {
  /** @type {Sample[]} */
  samples = [];
  mostViewers = 0;
  #viewers = 0;
  /** How many comments the last seconds showed, each that showed any. @type {{second: number, count: number}[]} */
  #seconds = [];

  /** @param {number} viewers */
  count(viewers) {
    this.#viewers = viewers;
    this.mostViewers = Math.max(this.mostViewers, viewers);
  }

  /** A comment was shown. @param {number} at */
  comment(at) {
    const second = Math.floor(at / 1000);
    const last = this.#seconds.at(-1);
    if (last?.second === second) last.count += 1;
    else this.#seconds.push({ second, count: 1 });
    if (this.#seconds.length > WINDOW_S + 1) this.#seconds.shift();
  }

  /** Comments a second over the last ten. @param {number} now */
  rate(now) {
    const since = Math.floor(now / 1000) - WINDOW_S;
    return this.#seconds.reduce((sum, { second, count }) => sum + (second > since ? count : 0), 0) / WINDOW_S;
  }

  /** @param {number} now */
  sample(now) {
    this.samples.push({ at: now, viewers: this.#viewers, rate: this.rate(now) });
    if (this.samples.length > MOST) this.samples.shift();
  }
}

/**
 * Points of a line in a box, the oldest at the left; the highest value touches the top. A hidden page samples less often.
 * @param {number[]} times of the values, never going back @param {number[]} values @param {number} width @param {number} height
 * @returns {string} as SVG wants it
 */
export function line(times, values, width, height) {
  const most = Math.max(1, ...values);
  const [first, last] = [times[0], times[times.length - 1]];
  const scale = width / Math.max(1, last - first);
  return values.map((value, at) => `${round((times[at] - first) * scale)},${round(height - (value / most) * height)}`).join(" ");
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 10) / 10;
}
