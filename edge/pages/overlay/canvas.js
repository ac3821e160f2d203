/**
 * Draws a stage: one canvas, and a little picture of each comment that is let go of when the comment has left.
 *
 * @typedef {import("./options.js").Options} Options
 * @typedef {import("./stage.js").Shown} Shown
 * @typedef {import("./stage.js").Stage} Stage
 */

import { Painter } from "./sprites.js";

export class Canvas {
  #element;
  #brush;
  #painter;
  #ratio = 1;
  #isBlank = true;
  /** @type {Map<Shown, HTMLCanvasElement>} */
  #sprites = new Map();

  /** @param {HTMLCanvasElement} element @param {Painter} painter */
  constructor(element, painter) {
    this.#element = element;
    this.#brush = /** @type {CanvasRenderingContext2D} */ (element.getContext("2d"));
    this.#painter = painter;
  }

  /** @param {number} width @param {number} height CSS pixels @param {number} ratio device pixels per CSS pixel */
  resize(width, height, ratio) {
    const [wide, tall] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.#element.width !== wide) this.#element.width = wide;
    if (this.#element.height !== tall) this.#element.height = tall;
    if (ratio !== this.#ratio) this.forget();
    this.#ratio = ratio;
    this.#isBlank = false; // whatever is there is drawn anew, or wiped away
  }

  /** Everything is painted anew, as another look has it. */
  forget() {
    for (const sprite of this.#sprites.values()) release(sprite);
    this.#sprites.clear();
  }

  /**
   * @param {Stage} stage @param {import("./hearts.js").Hearts} hearts @param {Readonly<Options>} options
   * @param {number} seconds since the last frame
   */
  draw(stage, hearts, options, seconds) {
    const isBlank = stage.shown.length === 0 && hearts.count === 0;
    if (isBlank && this.#isBlank) return;
    this.#isBlank = isBlank;
    const brush = this.#brush;
    const ratio = this.#ratio;
    brush.setTransform(1, 0, 0, 1, 0, 0);
    brush.clearRect(0, 0, this.#element.width, this.#element.height);
    for (const one of stage.shown) if (one.flight !== null) this.#put(stage, one, options);
    for (const one of stage.shown) if (one.flight === null) this.#put(stage, one, options);
    brush.globalAlpha = 1;
    brush.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (stage.picked !== null) this.#mark(stage, stage.picked);
    hearts.draw(brush, seconds, this.#element.width / ratio, this.#element.height / ratio);
    if (this.#sprites.size > stage.shown.length) this.#sweep(stage);
  }

  /** @param {Stage} stage @param {Shown} one @param {Readonly<Options>} options */
  #put(stage, one, options) {
    let sprite = this.#sprites.get(one);
    if (sprite === undefined) {
      sprite = this.#painter.paint(one.entry, one, { base: stage.base, options }, this.#ratio);
      this.#sprites.set(one, sprite);
    }
    this.#brush.globalAlpha = options.opacity * stage.fadeOf(one);
    // Whole pixels of the screen: nothing has to be smoothed, so letters stay sharp and drawing is cheap.
    this.#brush.drawImage(sprite, Math.round(stage.leftOf(one) * this.#ratio), Math.round(one.place.y * this.#ratio));
  }

  /** @param {Stage} stage @param {Shown} picked */
  #mark(stage, picked) {
    const brush = this.#brush;
    brush.lineWidth = 2;
    brush.strokeStyle = "#ffffff";
    brush.shadowColor = "rgba(0, 0, 0, 0.8)";
    brush.shadowBlur = 6;
    brush.beginPath();
    brush.roundRect(stage.leftOf(picked) - 2, picked.place.y - 2, picked.width + 4, picked.height + 4, picked.height / 2);
    brush.stroke();
    brush.shadowBlur = 0;
  }

  /** @param {Stage} stage */
  #sweep(stage) {
    const shown = new Set(stage.shown);
    for (const [one, sprite] of this.#sprites) {
      if (shown.has(one)) continue;
      release(sprite);
      this.#sprites.delete(one);
    }
  }
}

/** Its pixels are given back now, not when somebody collects garbage. @param {HTMLCanvasElement} sprite */
function release(sprite) {
  sprite.width = sprite.height = 0;
}
