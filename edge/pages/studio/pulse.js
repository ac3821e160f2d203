/** How a room goes: viewers and comments a second, sampled; bounded. Pure: times are given. */

/** @typedef {{at: number, viewers: number, rate: number}} Sample at in ms since 1970 */

const MOST = 900; // half an hour at one every two seconds
const WINDOW_MS = 10_000;

export class Pulse {
  /** @type {Sample[]} */
  samples = [];
  mostViewers = 0;
  #viewers = 0;
  /** When each of the last comments was shown. @type {number[]} */
  #shown = [];

  /** @param {number} viewers */
  count(viewers) {
    this.#viewers = viewers;
    this.mostViewers = Math.max(this.mostViewers, viewers);
  }

  /** A comment was shown. @param {number} at */
  comment(at) {
    this.#shown.push(at);
  }

  /** Comments a second over the last ten. @param {number} now */
  rate(now) {
    const first = this.#shown.findIndex((at) => at > now - WINDOW_MS);
    this.#shown = first < 0 ? [] : this.#shown.slice(first);
    return (this.#shown.length * 1000) / WINDOW_MS;
  }

  /** @param {number} now */
  sample(now) {
    this.samples.push({ at: now, viewers: this.#viewers, rate: this.rate(now) });
    if (this.samples.length > MOST) this.samples.shift();
  }
}

/**
 * Points of a line in a box, the oldest at the left; the highest value touches the top.
 * @param {number[]} values @param {number} width @param {number} height @returns {string} as SVG wants it
 */
export function line(values, width, height) {
  const most = Math.max(1, ...values);
  const step = width / Math.max(1, values.length - 1);
  return values.map((value, at) => `${round(at * step)},${round(height - (value / most) * height)}`).join(" ");
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 10) / 10;
}
