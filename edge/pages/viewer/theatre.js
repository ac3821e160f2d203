/**
 * The picture and the comments that fly over it.
 *
 * @typedef {import("../sdk/protocol.js").Event} Event
 * @typedef {import("./settings.js").Look} Look
 */

import { Overlay } from "../overlay/index.js";
import { Ticker } from "../overlay/ticker.js";
import { part } from "../shared/dialog.js";
import { overlaid } from "../shared/overlaid.js";
import { Scene } from "./scene.js";

export class Theatre {
  #box = part("theatre");
  #scene = new Scene(/** @type {HTMLCanvasElement} */ (part("scene")));
  #overlay;

  /** @param {Look} look @param {(event: Event) => void} picked a comment that is held on to, until it is let go */
  constructor(look, picked) {
    this.#overlay = new Overlay(part("stage"), { ...look, isPickable: true });
    this.#overlay.addEventListener("pick", (event) => {
      const { comment, stays } = /** @type {CustomEvent} */ (event).detail;
      if (stays) picked(comment.event);
    });
    new ResizeObserver(([{ contentRect: { width, height } }]) => this.#scene.resize(width, height)).observe(this.#box);
    this.#offerFullscreen();
    this.configure(look);
    new Ticker((seconds) => this.#scene.draw(seconds)).start();
  }

  /** @param {Look} look */
  configure(look) {
    this.#overlay.configure(look);
    this.#scene.configure(look.isStill);
  }

  /** What of an event flies does so. @param {Event} event @param {boolean} isOwn */
  show(event, isOwn) {
    const comment = overlaid(event, isOwn);
    if (comment !== null) this.#overlay.push(comment);
  }

  /** @param {number} count of likes */
  cheer(count) {
    this.#overlay.cheer(count);
  }

  /** Gone with the next frame. @param {(event: Event) => boolean} isGone */
  recall(isGone) {
    this.#overlay.remove((comment) => "event" in comment && isGone(/** @type {Event} */ (comment.event)));
  }

  /** Let go of what is picked. */
  release() {
    this.#overlay.release();
  }

  clear() {
    this.#overlay.clear();
  }

  #offerFullscreen() {
    const button = part("fullscreen");
    button.hidden = !document.fullscreenEnabled;
    button.addEventListener("click", () => {
      void (document.fullscreenElement ? document.exitFullscreen() : this.#box.requestFullscreen());
    });
  }
}
