/**
 * Comments that fly over an element: a video, a picture, a page. Knows no service; docs/OVERLAY.md tells how it is used.
 *
 * @typedef {import("./comment.js").Comment} Comment
 * @typedef {import("./options.js").Options} Options
 * @typedef {import("./stage.js").Shown} Shown
 * @typedef {{x: number, y: number, width: number, height: number}} Box CSS pixels within the element
 * @typedef {{admitted: number, shown: number, waiting: number, unseen: number,
 *   dropped: Record<import("./comment.js").Rank, number>}} Figures
 */

import { Canvas } from "./canvas.js";
import { readComment } from "./comment.js";
import { Hearts } from "./hearts.js";
import { DEFAULTS, settled } from "./options.js";
import { Cover } from "./place.js";
import { Pointer } from "./pointer.js";
import { Painter } from "./sprites.js";
import { Stage } from "./stage.js";
import { Ticker } from "./ticker.js";

const LONGEST_FRAME_S = 0.1;

/** Fires `pick` ({comment, box, stays}) and `release` ({comment}), each a CustomEvent with that `detail`. */
export class Overlay extends EventTarget {
  #element;
  #options;
  #motion = matchMedia("(prefers-reduced-motion: reduce)");
  #painter = new Painter();
  #stage;
  #cover;
  #canvas;
  #hearts = new Hearts();
  #ticker = new Ticker((seconds) => this.#draw(seconds));
  /** @type {Pointer | null} */
  #pointer = null;
  /** The one that listeners were told of. @type {Shown | null} */
  #picked = null;
  #isPaused = false;
  #unseen = 0;
  #ended = new AbortController();

  /**
   * @param {HTMLElement} element @param {Partial<Options>} [options]
   * @throws {TypeError} for what is no element, no option or no value of one
   */
  constructor(element, options = {}) {
    super();
    this.#element = element;
    this.#options = settled(DEFAULTS, options);
    this.#stage = new Stage(this.#effective, (entry, look) => this.#painter.measure(entry, look));
    this.#cover = new Cover(element, (width, height, ratio) => this.#resize(width, height, ratio));
    this.#canvas = new Canvas(this.#cover.canvas, this.#painter);
    this.#cover.follow();
    this.#motion.addEventListener("change", () => this.configure({}), { signal: this.#ended.signal });
    this.#point();
  }

  /** @returns {Readonly<Options>} */
  get options() {
    return this.#options;
  }

  /** `unseen` came while the tab was hidden; `dropped` found no place, or are of a mode that is not shown. @returns {Figures} */
  get figures() {
    return { ...this.#stage.figures, unseen: this.#unseen };
  }

  get isPaused() {
    return this.#isPaused;
  }

  /** Show this as soon as there is a place for it. @param {Comment} comment */
  push(comment) {
    if (document.hidden) {
      this.#unseen += 1; // nothing piles up for whoever comes back
      return;
    }
    this.#stage.push(readComment(comment));
    this.#wake();
  }

  /** Hearts that rise; many likes are a few hearts. @param {number} count */
  cheer(count) {
    const { isOn, isStill } = this.#effective;
    if (!isOn || isStill || document.hidden || this.#isPaused) return;
    this.#hearts.add(count);
    this.#wake();
  }

  /** Taken back: gone with the next frame. @param {(comment: Comment) => boolean} isGone */
  remove(isGone) {
    this.#stage.remove(({ comment }) => isGone(comment));
    this.#wake();
  }

  clear() {
    this.#stage.clear();
    this.#hearts.clear();
    this.#wake();
  }

  /** Everything stands still; what comes meanwhile waits, as much as may wait. */
  pause() {
    this.#isPaused = true;
    this.#wake();
  }

  resume() {
    this.#isPaused = false;
    this.#wake();
  }

  /** Let go of the comment that is picked. */
  release() {
    this.#pick(null, false);
  }

  /** Other options from now on; those not named stay. @param {Partial<Options>} options @throws {TypeError} */
  configure(options) {
    const { hasOutline, fontFamily } = this.#options;
    this.#options = settled(this.#options, options);
    this.#stage.configure(this.#effective);
    if (!this.#options.isOn) this.#hearts.clear();
    if (hasOutline !== this.#options.hasOutline || fontFamily !== this.#options.fontFamily) this.#canvas.forget();
    this.#cover.follow();
    this.#point();
    this.#wake();
  }

  /** Gone for good, with everything it put into the page. */
  destroy() {
    this.clear();
    this.#ended.abort();
    this.#ticker.end();
    this.#pointer?.end();
    this.#pointer = null;
    this.#cover.remove();
  }

  /** The options, with what the system asks for. */
  get #effective() {
    return { ...this.#options, isStill: this.#options.isStill ?? this.#motion.matches };
  }

  /** @param {number} width @param {number} height @param {number} ratio */
  #resize(width, height, ratio) {
    this.#canvas.resize(width, height, Math.min(ratio, this.#options.mostRatio));
    this.#stage.resize(width, height);
    this.#draw(0); // at once: a canvas that changes its size is blank, and would be seen so
    this.#wake();
  }

  #wake() {
    if (!this.#ended.signal.aborted) this.#ticker.start();
  }

  /** @param {number} seconds @returns {boolean} whether there is more to draw */
  #draw(seconds) {
    const passed = this.#isPaused ? 0 : Math.min(seconds, LONGEST_FRAME_S);
    if (!this.#isPaused) this.#stage.step(passed);
    if (this.#picked !== null && this.#stage.picked === null) this.#pick(null, false);
    this.#canvas.draw(this.#stage, this.#hearts, this.#options, passed);
    return !this.#isPaused && !(this.#stage.isEmpty && this.#hearts.count === 0);
  }

  #point() {
    if (this.#options.isPickable === (this.#pointer !== null)) return;
    this.#pointer?.end();
    this.#pointer = this.#options.isPickable ? new Pointer(
      this.#element,
      (event, slack) => {
        const { x, y } = this.#cover.point(event);
        return this.#stage.at(x, y, slack);
      },
      (shown, stays) => this.#pick(shown, stays),
    ) : null;
    if (this.#pointer === null) this.#pick(null, false);
  }

  /** @param {Shown | null} shown @param {boolean} stays until it is let go */
  #pick(shown, stays) {
    const before = this.#picked;
    if (shown === null) this.#pointer?.released();
    if (shown === before && !stays) return;
    this.#stage.pick(shown);
    this.#picked = shown;
    if (before !== null && before !== shown) this.#tell("release", { comment: before.entry.comment });
    if (shown !== null) {
      const box = { x: this.#stage.leftOf(shown), y: shown.place.y, width: shown.width, height: shown.height };
      this.#tell("pick", { comment: shown.entry.comment, box, stays });
    }
    this.#wake();
  }

  /** @param {string} type @param {object} detail */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
