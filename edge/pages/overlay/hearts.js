/** Hearts that rise from the like button, a few for many. */

const MOST = 36;
const LIFE_S = 2.6;
const COLORS = ["#ff5c8a", "#ff8fab", "#ffb3c6", "#c77dff", "#72ddf7"];

export class Hearts {
  /** @type {{age: number, x: number, sway: number, size: number, color: string}[]} */
  #hearts = [];

  get count() {
    return this.#hearts.length;
  }

  clear() {
    this.#hearts = [];
  }

  /** @param {number} count */
  add(count) {
    for (let left = Math.min(count, 8, MOST - this.#hearts.length); left > 0; left -= 1) {
      this.#hearts.push({
        age: -Math.random() * 0.6,
        x: Math.random(),
        sway: Math.random() * Math.PI * 2,
        size: 12 + Math.random() * 14,
        color: COLORS[Math.floor(Math.random() * COLORS.length)],
      });
    }
  }

  /** @param {CanvasRenderingContext2D} brush @param {number} seconds @param {number} width @param {number} height */
  draw(brush, seconds, width, height) {
    this.#hearts = this.#hearts.filter((heart) => heart.age < LIFE_S);
    for (const heart of this.#hearts) {
      heart.age += seconds;
      if (heart.age < 0) continue;
      const grown = heart.age / LIFE_S;
      const x = width - 50 - heart.x * 46 + Math.sin(heart.sway + heart.age * 2.4) * 16;
      const y = height - 64 - grown * Math.min(height * 0.62, 420);
      brush.globalAlpha = Math.min(1, (1 - grown) * 1.8);
      brush.fillStyle = heart.color;
      drawHeart(brush, x, y, heart.size * Math.min(1, 0.3 + grown * 5));
    }
    brush.globalAlpha = 1;
  }
}

/** @param {CanvasRenderingContext2D} brush @param {number} x @param {number} y @param {number} size */
function drawHeart(brush, x, y, size) {
  brush.beginPath();
  brush.moveTo(x, y + size * 0.35);
  brush.bezierCurveTo(x - size * 0.75, y - size * 0.15, x - size * 0.4, y - size * 0.65, x, y - size * 0.25);
  brush.bezierCurveTo(x + size * 0.4, y - size * 0.65, x + size * 0.75, y - size * 0.15, x, y + size * 0.35);
  brush.fill();
}
