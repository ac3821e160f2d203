/**
 * The comments that fly over the picture, drawn on a canvas.
 *
 * Its clock is the sum of the frames it was given, so it stands still while nobody looks. What finds no
 * free place waits a moment and is then left out: a picture too full cannot be read, and the side list
 * has everything.
 *
 * @typedef {import("../sdk/protocol.js").Comment} Comment
 * @typedef {import("../sdk/protocol.js").Gift} Gift
 * @typedef {import("./sprites.js").Sprite} Sprite
 * @typedef {{event: Comment | Gift, sprite: Sprite, y: number, flight: import("./lanes.js").Flight}} Flying
 * @typedef {{event: Comment | Gift, sprite: Sprite, y: number, since: number, until: number}} Standing
 * @typedef {{event: Comment | Gift, isOwn: boolean, since: number, sprite: Sprite | null}} Waiting
 * @typedef {{isOn: boolean, area: number, opacity: number, scale: number, seconds: number, isStill: boolean}} Look
 *   `area`: how much of the height is used, 0 to 1; `seconds`: to cross the picture; `isStill`: nothing flies
 */

import { NORMAL_SIZE } from "../sdk/protocol.js";
import { Hearts } from "./hearts.js";
import { Lanes, leavesAt, leftOf } from "./lanes.js";
import { paint } from "./sprites.js";

const MOST_ON_STAGE = 240;
const MOST_WAITING = 80;
const PATIENCE_S = 2.5;
const OWN_PATIENCE_S = 8;
const STANDS_S = 4.5;
const FADE_S = 0.25;
const GAP = 28;
const LONGEST_FRAME_S = 0.1;

export class Stage {
  #canvas;
  #brush;
  #look;
  #width = 0;
  #height = 0;
  #ratio = 1;
  #base = NORMAL_SIZE;
  #lanes = new Lanes(1, GAP);
  #now = 0;
  #isBlank = true;
  /** @type {Flying[]} */
  #flying = [];
  /** @type {Standing[]} */
  #standing = [];
  /** @type {Waiting[]} */
  #waiting = [];
  #hearts = new Hearts();

  /** @param {HTMLCanvasElement} canvas @param {Look} look */
  constructor(canvas, look) {
    this.#canvas = canvas;
    this.#brush = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.#look = look;
  }

  /** How many comments are on the stage. */
  get count() {
    return this.#flying.length + this.#standing.length;
  }

  /** @param {number} width @param {number} height CSS pixels @param {number} ratio device pixels per CSS pixel */
  resize(width, height, ratio) {
    this.#width = width;
    this.#height = height;
    this.#ratio = ratio;
    this.#canvas.width = Math.round(width * ratio);
    this.#canvas.height = Math.round(height * ratio);
    this.#arrange();
  }

  /** @param {Look} look */
  configure(look) {
    this.#look = look;
    if (!look.isOn) this.clear();
    this.#arrange();
  }

  clear() {
    this.#flying = [];
    this.#standing = [];
    this.#waiting = [];
    this.#hearts.clear();
    this.#lanes.clear();
  }

  /** @param {Comment | Gift} event @param {boolean} isOwn */
  show(event, isOwn) {
    if (!this.#look.isOn || this.#height === 0) return;
    const waiting = { event, isOwn, since: this.#now, sprite: null };
    if (isOwn) this.#waiting.unshift(waiting);
    else this.#waiting.push(waiting);
    if (this.#waiting.length > MOST_WAITING) this.#waiting.pop();
  }

  /** What was taken back is gone from the picture with its next frame. @param {(event: Comment | Gift) => boolean} isGone */
  recall(isGone) {
    const stays = (/** @type {{event: Comment | Gift}} */ { event }) => !isGone(event);
    this.#flying = this.#flying.filter(stays);
    this.#standing = this.#standing.filter(stays);
    this.#waiting = this.#waiting.filter(stays);
    this.#isBlank = false; // there may be something to wipe away
  }

  /** @param {number} count */
  cheer(count) {
    if (this.#look.isOn && !this.#look.isStill) this.#hearts.add(count);
  }

  /** Draw the next frame, `seconds` after the one before. @param {number} seconds */
  draw(seconds) {
    this.#now += Math.min(seconds, LONGEST_FRAME_S);
    this.#admit();
    const isBlank = this.count === 0 && this.#hearts.count === 0;
    if (isBlank && this.#isBlank) return;
    this.#isBlank = isBlank;
    const brush = this.#brush;
    brush.setTransform(1, 0, 0, 1, 0, 0);
    brush.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    brush.scale(this.#ratio, this.#ratio);
    this.#drawFlying(brush);
    this.#drawStanding(brush);
    brush.globalAlpha = 1;
    this.#hearts.draw(brush, Math.min(seconds, LONGEST_FRAME_S), this.#width, this.#height);
  }

  /** @param {CanvasRenderingContext2D} brush */
  #drawFlying(brush) {
    brush.globalAlpha = this.#look.opacity;
    this.#flying = this.#flying.filter((one) => leavesAt(one.flight) > this.#now);
    for (const { sprite, y, flight } of this.#flying) {
      brush.drawImage(sprite.canvas, leftOf(flight, this.#now), y, sprite.width, sprite.height);
    }
  }

  /** @param {CanvasRenderingContext2D} brush */
  #drawStanding(brush) {
    this.#standing = this.#standing.filter((one) => one.until > this.#now);
    for (const { sprite, y, since, until } of this.#standing) {
      const fade = Math.min(1, (this.#now - since) / FADE_S, (until - this.#now) / FADE_S);
      const width = Math.min(sprite.width, this.#width);
      brush.globalAlpha = this.#look.opacity * fade;
      brush.drawImage(sprite.canvas, Math.round((this.#width - width) / 2), y, width, sprite.height);
    }
  }

  #admit() {
    this.#waiting = this.#waiting.filter((one) => {
      const patience = one.isOwn ? OWN_PATIENCE_S : PATIENCE_S;
      return this.#now - one.since < patience && !(this.count < MOST_ON_STAGE && this.#enter(one));
    });
  }

  /** @param {Waiting} one */
  #enter(one) {
    const { event, isOwn } = one;
    const sprite = (one.sprite ??= paint(event, { base: this.#base, ratio: this.#ratio, isOwn }));
    const mode = event.kind === "comment" ? event.mode : "scroll";
    if (mode === "scroll" && !this.#look.isStill) {
      const slot = this.#lanes.fly(sprite.width, sprite.height, this.#now, this.#look.seconds);
      if (slot === null) return false;
      this.#flying.push({ event, sprite, y: Math.round(slot.y), flight: slot.flight });
      return true;
    }
    const y = this.#lanes.stand(mode === "bottom" ? "bottom" : "top", sprite.height, this.#now, STANDS_S);
    if (y === null) return false;
    this.#standing.push({ event, sprite, y: Math.round(y), since: this.#now, until: this.#now + STANDS_S });
    return true;
  }

  /** Lanes for this size and look; what is of another size, or outside now, goes. */
  #arrange() {
    const base = Math.round((this.#width < 600 ? 17 : this.#width < 1000 ? 21 : 24) * this.#look.scale);
    if (base !== this.#base || this.#lanes.count === 0) {
      this.#base = base;
      this.#lanes = new Lanes(Math.round(base * 1.5), GAP);
      this.clear();
    }
    const height = this.#height * this.#look.area;
    this.#lanes.resize(this.#width, height);
    this.#flying = this.#flying.filter((one) => one.y + one.sprite.height <= height);
    this.#standing = [];
    this.#isBlank = false;
  }
}
