/**
 * The moving picture: a harbour town at dusk that drifts by, in a few cheap layers.
 *
 * @typedef {Record<"backdrop" | "clouds" | "far" | "near" | "mirror" | "train", HTMLCanvasElement>} Layers
 *
 * Nothing in it must ever keep the comments from flying smoothly, so it is drawn at half their rate, and less
 * often still where frames come late; in CSS pixels whatever the screen has, and each layer is one picture
 * painted beforehand.
 */

import { chance, easel, moonPlace, paintBackdrop, paintClouds, paintTown, paintTrain } from "./scenery.js";

const FRAME_S = 1 / 30;
const LATE_S = 1 / 50; // a frame that took longer
const MOST_PATIENCE = 8; // times as long between two pictures
const STRIP = 5; // pixels of one strip of the mirror image
const TRAIN_EVERY_S = 26;
const STAR_EVERY_S = 17;

export class Scene {
  #canvas;
  #brush;
  #width = 0;
  #height = 0;
  #horizon = 0;
  #time = 40;
  #since = FRAME_S;
  #patience = 1;
  #isStill = false;
  /** @type {Layers | null} */
  #layers = null;
  /** @type {{x: number, y: number, beat: number}[]} */
  #twinkling = [];

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#canvas = canvas;
    this.#brush = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
  }

  /** Nothing moves any more. @param {boolean} isStill */
  configure(isStill) {
    this.#isStill = isStill;
  }

  /** @param {number} width @param {number} height CSS pixels */
  resize(width, height) {
    this.#width = this.#canvas.width = Math.max(1, Math.round(width));
    this.#height = this.#canvas.height = Math.max(1, Math.round(height));
    this.#horizon = Math.round(this.#height * 0.74);
    const town = this.#horizon * 0.52;
    const scale = Math.max(0.6, Math.min(1.5, this.#height / 520));
    const wide = Math.max(this.#width * 1.35, 700);
    const near = paintTown(wide, town * 0.8, {
      seed: 11, top: "#171239", foot: "#0e0b29", lit: 0.34, least: 0.18, scale,
    });
    this.#layers = {
      backdrop: paintBackdrop(this.#width, this.#height, this.#horizon),
      clouds: paintClouds(Math.max(this.#width, 500), this.#horizon * 0.8),
      far: paintTown(wide, town, { seed: 5, top: "#3a2a66", foot: "#5a3568", lit: 0.1, least: 0.3, scale: scale * 0.8 }),
      near,
      mirror: mirrorOf(near),
      train: paintTrain(230 * scale, 11 * scale),
    };
    const random = chance(3);
    this.#twinkling = Array.from({ length: 34 }, () => ({
      x: random() * this.#width,
      y: random() ** 1.4 * this.#horizon * 0.5,
      beat: 0.6 + random() * 2.4,
    }));
    this.#paint();
  }

  /** @param {number} seconds since the last call */
  draw(seconds) {
    if (this.#isStill || this.#layers === null) return;
    this.#since += seconds;
    // Grows fast and shrinks slowly: it comes to rest where frames are just not late.
    this.#patience = seconds > LATE_S ? Math.min(MOST_PATIENCE, this.#patience * 1.3) : Math.max(1, this.#patience * 0.995);
    if (this.#since < FRAME_S * 0.9 * this.#patience) return;
    this.#time += Math.min(this.#since, 0.3);
    this.#since = 0;
    this.#paint();
  }

  #paint() {
    if (this.#layers === null) return;
    const { backdrop, clouds, far, near } = this.#layers;
    this.#brush.drawImage(backdrop, 0, 0);
    this.#twinkle();
    this.#shootingStar();
    this.#drift(clouds, 5, 0);
    this.#drift(far, 3.5, this.#horizon - far.height);
    this.#passTrain();
    this.#drift(near, 9, this.#horizon - near.height);
    this.#reflect();
    this.#glitter();
    this.#sail();
  }

  /** A layer without ends that moves left. @param {HTMLCanvasElement} layer @param {number} speed @param {number} y */
  #drift(layer, speed, y) {
    for (let x = -((this.#time * speed) % layer.width); x < this.#width; x += layer.width) {
      this.#brush.drawImage(layer, Math.round(x * 2) / 2, y);
    }
  }

  #twinkle() {
    for (const { x, y, beat } of this.#twinkling) {
      const glow = Math.sin(this.#time * beat + x) * 0.5 + 0.5;
      this.#brush.fillStyle = `rgba(240, 244, 255, ${(0.2 + glow * 0.8).toFixed(2)})`;
      this.#brush.fillRect(x, y, 1.6, 1.6);
    }
  }

  #shootingStar() {
    const age = (this.#time % STAR_EVERY_S) / 0.9;
    if (age > 1) return;
    const turn = Math.floor(this.#time / STAR_EVERY_S);
    const x = this.#width * (0.15 + ((turn * 0.37) % 0.5)) + age * this.#width * 0.16;
    const y = this.#horizon * (0.08 + ((turn * 0.23) % 0.2)) + age * this.#horizon * 0.12;
    const tail = this.#brush.createLinearGradient(x, y, x - 90, y - 34);
    tail.addColorStop(0, `rgba(255, 255, 255, ${Math.sin(age * Math.PI).toFixed(2)})`);
    tail.addColorStop(1, "rgba(255, 255, 255, 0)");
    this.#brush.strokeStyle = tail;
    this.#brush.lineWidth = 1.6;
    this.#brush.beginPath();
    this.#brush.moveTo(x, y);
    this.#brush.lineTo(x - 90, y - 34);
    this.#brush.stroke();
  }

  /** Now and then a train crosses the viaduct between the two rows of houses. */
  #passTrain() {
    const { train } = /** @type {Layers} */ (this.#layers);
    const rail = Math.round(this.#horizon - this.#height * 0.115);
    this.#brush.fillStyle = "#241a4a";
    this.#brush.fillRect(0, rail, this.#width, Math.max(2, this.#height * 0.006));
    for (let x = -((this.#time * 6) % 64); x < this.#width; x += 64) this.#brush.fillRect(x, rail, 4, this.#horizon - rail);
    const way = ((this.#time % TRAIN_EVERY_S) / 11) * (this.#width + train.width);
    if (way < this.#width + train.width) this.#brush.drawImage(train, way - train.width, rail - train.height);
  }

  /** The town upside down on the water, in strips that sway more the nearer they are. */
  #reflect() {
    const { mirror } = /** @type {Layers} */ (this.#layers);
    const begin = (this.#time * 9) % mirror.width;
    const depth = Math.min(mirror.height, this.#height - this.#horizon);
    for (let y = 0; y < depth; y += STRIP) {
      const sway = Math.sin(this.#time * 1.7 + y * 0.23) * (1 + y * 0.05);
      const tall = Math.min(STRIP, depth - y);
      for (let x = sway - begin - mirror.width; x < this.#width; x += mirror.width) {
        if (x + mirror.width > 0) this.#brush.drawImage(mirror, 0, y, mirror.width, tall, x, this.#horizon + y, mirror.width, tall);
      }
    }
  }

  /** Moonlight on the waves. */
  #glitter() {
    const [x] = moonPlace(this.#width, this.#horizon);
    const random = chance(31);
    const depth = this.#height - this.#horizon;
    for (let dash = 0; dash < 70; dash += 1) {
      const down = random() ** 1.3;
      const reach = 8 + down * this.#width * 0.08;
      const place = x + (random() + random() - 1) * reach * 1.6;
      const glow = Math.sin(this.#time * (1 + random() * 2) + dash * 1.9);
      if (glow < 0) continue;
      this.#brush.fillStyle = `rgba(255, 214, 186, ${(glow * 0.42 * (1 - down * 0.6)).toFixed(2)})`;
      this.#brush.fillRect(place, this.#horizon + 2 + down * depth, 5 + down * 22, 1 + down * 1.4);
    }
  }

  /** A small boat with a lantern. */
  #sail() {
    const brush = this.#brush;
    const size = Math.max(0.7, this.#height / 560);
    const lap = this.#width + 200;
    const x = this.#width + 60 - ((this.#time * 11 + lap * 0.35) % lap);
    const y = this.#horizon + (this.#height - this.#horizon) * 0.34 + Math.sin(this.#time * 1.1) * 1.6;
    brush.fillStyle = "#0a0820";
    brush.beginPath();
    brush.moveTo(x - 30 * size, y);
    brush.quadraticCurveTo(x, y + 15 * size, x + 30 * size, y);
    brush.closePath();
    brush.fill();
    brush.fillRect(x - 6 * size, y - 11 * size, 17 * size, 11 * size);
    brush.fillRect(x - 14 * size, y - 25 * size, 1.6 * size, 26 * size);
    const glow = brush.createRadialGradient(x - 13 * size, y - 25 * size, 0, x - 13 * size, y - 25 * size, 24 * size);
    glow.addColorStop(0, "rgba(255, 214, 140, 0.95)");
    glow.addColorStop(0.15, "rgba(255, 190, 110, 0.5)");
    glow.addColorStop(1, "rgba(255, 170, 90, 0)");
    brush.fillStyle = glow;
    brush.fillRect(x - 40 * size, y - 50 * size, 54 * size, 54 * size);
    brush.fillStyle = "rgba(255, 200, 130, 0.28)";
    for (let wave = 0; wave < 5; wave += 1) {
      const wide = (12 - wave) * size * (1 + 0.3 * Math.sin(this.#time * 3 + wave));
      brush.fillRect(x - 13 * size - wide / 2, y + (9 + wave * 5) * size, wide, 1.4 * size);
    }
  }
}

/** Upside down, paler with depth. @param {HTMLCanvasElement} picture */
function mirrorOf(picture) {
  const [canvas, brush] = easel(picture.width, picture.height);
  brush.translate(0, picture.height);
  brush.scale(1, -1);
  brush.globalAlpha = 0.5;
  brush.drawImage(picture, 0, 0);
  brush.setTransform(1, 0, 0, 1, 0, 0);
  brush.globalAlpha = 1;
  brush.globalCompositeOperation = "destination-out";
  const fade = brush.createLinearGradient(0, 0, 0, picture.height);
  fade.addColorStop(0, "rgba(0, 0, 0, 0)");
  fade.addColorStop(1, "rgba(0, 0, 0, 0.9)");
  brush.fillStyle = fade;
  brush.fillRect(0, 0, picture.width, picture.height);
  return canvas;
}
