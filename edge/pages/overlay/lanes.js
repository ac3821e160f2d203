/**
 * Where comments fly, so that none ever covers another of its kind. Pure: knows no clock and no canvas.
 *
 * The picture is cut into lanes of equal height; a tall comment takes several that lie together.
 * All comments cross the picture in about the same time, so a long one is faster. It may enter a lane
 * when the one before has come in entirely, and when it will not reach that one's tail before that has
 * left the picture. As nobody overtakes, looking at the last one of a lane is enough.
 *
 * Times are seconds of any clock that does not go back, lengths are pixels.
 *
 * @typedef {{origin: number, start: number, speed: number, width: number}} Flight
 *   its left edge is at `origin` at time `start` and moves left with `speed`
 * @typedef {{lane: number, span: number, y: number}} Place its lanes, and its upper edge
 */

/** @param {Flight} flight @param {number} now */
export function leftOf(flight, now) {
  return flight.origin - flight.speed * (now - flight.start);
}

/** When its tail leaves the picture. @param {Flight} flight */
export function leavesAt(flight) {
  return flight.start + (flight.origin + flight.width) / flight.speed;
}

export class Lanes {
  #gap;
  #laneHeight;
  #width = 0;
  /** The last flight of each lane. @type {(Flight | null)[]} */
  #flights = [];
  /** Until when each lane is taken by a comment that stands at the top or the bottom. */
  #standing = { top: /** @type {number[]} */ ([]), bottom: /** @type {number[]} */ ([]) };

  /** @param {number} laneHeight @param {number} gap kept between two comments of a lane */
  constructor(laneHeight, gap) {
    this.#laneHeight = laneHeight;
    this.#gap = gap;
  }

  get count() {
    return this.#flights.length;
  }

  /**
   * The picture is that large now. What flies within it goes on; what stood in it has to go.
   * @param {number} width @param {number} height
   */
  resize(width, height) {
    this.#width = width;
    const count = Math.max(1, Math.floor(height / this.#laneHeight));
    this.#flights = Array.from({ length: count }, (_, lane) => this.#flights[lane] ?? null);
    this.#standing.top = new Array(count).fill(0);
    this.#standing.bottom = new Array(count).fill(0);
  }

  /** Everything is gone from the picture. */
  clear() {
    this.#flights.fill(null);
    this.#standing.top.fill(0);
    this.#standing.bottom.fill(0);
  }

  /**
   * A comment that crosses the picture in `seconds`; null when there is no place for it now.
   * @param {number} width @param {number} height @param {number} now @param {number} seconds
   * @returns {Place & {flight: Flight} | null}
   */
  fly(width, height, now, seconds) {
    const origin = this.#width;
    const flight = { origin, start: now, speed: (origin + width) / seconds, width };
    const span = this.#span(height);
    const lane = findRun(this.#flights, span, (other) => other === null || this.#isClear(other, flight));
    if (lane < 0) return null;
    this.#flights.fill(flight, lane, lane + span);
    return { flight, lane, span, y: this.#middle(lane, span, height) };
  }

  /**
   * A comment that stands still until `now + seconds`; null when there is no place now. Lanes of the bottom count from there.
   * @param {"top" | "bottom"} mode @param {number} height @param {number} now @param {number} seconds
   * @param {boolean} [isAlone] not over one that stands at the other side either
   * @returns {Place | null}
   */
  stand(mode, height, now, seconds, isAlone = false) {
    const taken = this.#standing[mode];
    const others = this.#standing[mode === "top" ? "bottom" : "top"];
    const span = this.#span(height);
    const isFree = (/** @type {number} */ until, /** @type {number} */ lane) =>
      until <= now && !(isAlone && (others.at(-1 - lane) ?? 0) > now);
    const lane = findRun(taken, span, isFree);
    if (lane < 0) return null;
    taken.fill(now + seconds, lane, lane + span);
    const first = mode === "top" ? lane : taken.length - lane - span;
    return { lane, span, y: this.#middle(first, span, height) };
  }

  /** Who stands there does so until then. @param {"top" | "bottom"} mode @param {Place} place @param {number} until */
  prolong(mode, { lane, span }, until) {
    this.#standing[mode].fill(until, lane, lane + span);
  }

  /** Whether `later`, which starts now at the right edge, never touches `before`. @param {Flight} before @param {Flight} later */
  #isClear(before, later) {
    const tail = leftOf(before, later.start) + before.width;
    if (tail + this.#gap > later.origin) return false;
    const gone = leavesAt(before);
    return gone <= later.start || leftOf(later, gone) >= this.#gap;
  }

  /** How many lanes so tall a comment takes; never more than there are. @param {number} height */
  #span(height) {
    return Math.min(this.count, Math.max(1, Math.ceil(height / this.#laneHeight)));
  }

  /** @param {number} lane @param {number} span @param {number} height */
  #middle(lane, span, height) {
    return lane * this.#laneHeight + (span * this.#laneHeight - height) / 2;
  }
}

/**
 * The first of `span` neighbours that are all free, or -1.
 * @template T @param {T[]} lanes @param {number} span @param {(lane: T, index: number) => boolean} isFree
 */
function findRun(lanes, span, isFree) {
  let run = 0;
  for (let index = 0; index < lanes.length; index += 1) {
    run = isFree(lanes[index], index) ? run + 1 : 0;
    if (run === span) return index - span + 1;
  }
  return -1;
}
