/** The parts of the night harbour that do not move by themselves, painted once for a size. */

/** @typedef {() => number} Chance from 0 to 1, the same sequence each time */

/** A small generator, so that the town stays the same town when the window changes. @param {number} seed @returns {Chance} */
export function chance(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** @param {number} width @param {number} height @returns {[HTMLCanvasElement, CanvasRenderingContext2D]} */
export function easel(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width));
  canvas.height = Math.max(1, Math.round(height));
  return [canvas, /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"))];
}

/** Dusk, stars and the moon above, water below. @param {number} width @param {number} height @param {number} horizon */
export function paintBackdrop(width, height, horizon) {
  const [canvas, brush] = easel(width, height);
  const random = chance(7);
  brush.fillStyle = gradient(brush, 0, horizon, [
    [0, "#060818"], [0.34, "#0f1238"], [0.62, "#2a1f5c"], [0.82, "#5b2f73"], [0.94, "#96486f"], [1, "#c8705f"],
  ]);
  brush.fillRect(0, 0, width, horizon);
  for (let star = 0; star < width / 5; star += 1) {
    const y = random() ** 1.6 * horizon * 0.75;
    brush.fillStyle = `rgba(226, 232, 255, ${(0.15 + random() * 0.6) * (1 - y / horizon)})`;
    const size = random() < 0.08 ? 2 : 1;
    brush.fillRect(random() * width, y, size, size);
  }
  paintMoon(brush, ...moonPlace(width, horizon));
  brush.fillStyle = gradient(brush, horizon, height, [
    [0, "#7a4468"], [0.06, "#4a2d63"], [0.3, "#221c4d"], [1, "#070919"],
  ]);
  brush.fillRect(0, horizon, width, height - horizon);
  return canvas;
}

/** Where the moon stands and how large it is. @param {number} width @param {number} horizon @returns {[number, number, number]} */
export function moonPlace(width, horizon) {
  return [width * 0.74, horizon * 0.3, Math.max(14, Math.min(width, horizon * 1.6) * 0.05)];
}

/** @param {CanvasRenderingContext2D} brush @param {number} x @param {number} y @param {number} radius */
function paintMoon(brush, x, y, radius) {
  const halo = brush.createRadialGradient(x, y, radius * 0.8, x, y, radius * 6);
  halo.addColorStop(0, "rgba(255, 232, 205, 0.34)");
  halo.addColorStop(0.25, "rgba(230, 190, 220, 0.12)");
  halo.addColorStop(1, "rgba(200, 170, 255, 0)");
  brush.fillStyle = halo;
  brush.fillRect(x - radius * 6, y - radius * 6, radius * 12, radius * 12);
  const face = brush.createRadialGradient(x - radius * 0.3, y - radius * 0.3, radius * 0.1, x, y, radius);
  face.addColorStop(0, "#fffaf0");
  face.addColorStop(1, "#f2d9c4");
  brush.fillStyle = face;
  brush.beginPath();
  brush.arc(x, y, radius, 0, Math.PI * 2);
  brush.fill();
  brush.fillStyle = "rgba(190, 150, 150, 0.22)";
  for (const [dx, dy, size] of [[-0.3, 0.1, 0.22], [0.25, -0.3, 0.15], [0.2, 0.38, 0.18], [-0.15, -0.45, 0.1]]) {
    brush.beginPath();
    brush.arc(x + dx * radius, y + dy * radius, size * radius, 0, Math.PI * 2);
    brush.fill();
  }
}

/** A band of thin clouds. @param {number} width @param {number} height */
export function paintClouds(width, height) {
  const [canvas, brush] = easel(width, height);
  const random = chance(23);
  for (let bank = 0; bank < 7; bank += 1) {
    const x = random() * width;
    const y = height * (0.25 + random() * 0.55);
    for (let puff = 0; puff < 12; puff += 1) {
      const reach = width * (0.03 + random() * 0.06);
      softEllipse(brush, x + (random() - 0.5) * width * 0.22, y + (random() - 0.5) * height * 0.12, reach, width);
    }
  }
  return canvas;
}

/** Drawn also where it comes out on the other side. @param {CanvasRenderingContext2D} brush @param {number} x @param {number} y @param {number} reach @param {number} width */
function softEllipse(brush, x, y, reach, width) {
  for (const shift of [-width, 0, width]) {
    brush.save();
    brush.translate(x + shift, y);
    brush.scale(1, 0.16);
    const soft = brush.createRadialGradient(0, 0, 0, 0, 0, reach);
    soft.addColorStop(0, "rgba(214, 170, 220, 0.1)");
    soft.addColorStop(1, "rgba(214, 170, 220, 0)");
    brush.fillStyle = soft;
    brush.fillRect(-reach, -reach, reach * 2, reach * 2);
    brush.restore();
  }
}

/**
 * A row of houses whose ends fit each other.
 * @param {number} width @param {number} height
 * @param {{seed: number, top: string, foot: string, lit: number, least: number, scale: number}} town
 *   `lit`: how many windows are; `least`: height of the lowest house, 0 to 1
 */
export function paintTown(width, height, { seed, top, foot, lit, least, scale }) {
  const [canvas, brush] = easel(width, height);
  const random = chance(seed);
  const shade = gradient(brush, 0, height, [[0, top], [1, foot]]);
  for (let x = 0; x < width; ) {
    const wide = Math.min((16 + random() * 34) * scale, width - x);
    const tall = height * (least + (1 - least) * random() ** 2.2) * 0.92;
    brush.fillStyle = shade;
    brush.fillRect(x, height - tall, Math.ceil(wide) + 1, tall);
    if (random() < 0.3) paintRoof(brush, random, x, height - tall, wide, scale);
    paintWindows(brush, random, x, height - tall, wide, tall, lit, scale);
    x += wide + (random() < 0.3 ? random() * 8 * scale : 0);
  }
  return canvas;
}

/** @param {CanvasRenderingContext2D} brush @param {Chance} random @param {number} x @param {number} y @param {number} wide @param {number} scale */
function paintRoof(brush, random, x, y, wide, scale) {
  if (random() < 0.5) {
    const mast = (8 + random() * 16) * scale;
    brush.fillRect(x + wide / 2, y - mast, Math.max(1, scale), mast);
    brush.fillStyle = "#ff6b6b";
    brush.fillRect(x + wide / 2 - scale * 0.5, y - mast, 2 * scale, 2 * scale);
  } else {
    brush.fillRect(x + wide * 0.2, y - 5 * scale, wide * 0.6, 6 * scale);
  }
}

/**
 * @param {CanvasRenderingContext2D} brush @param {Chance} random @param {number} x @param {number} y
 * @param {number} wide @param {number} tall @param {number} lit @param {number} scale
 */
function paintWindows(brush, random, x, y, wide, tall, lit, scale) {
  const tones = ["255, 205, 130", "255, 226, 170", "255, 176, 120", "150, 220, 255", "255, 150, 190"];
  const tone = tones[Math.floor(random() ** 1.5 * tones.length)];
  const step = 5 * scale;
  for (let row = y + step; row < y + tall - step; row += step) {
    for (let column = x + step * 0.6; column < x + wide - step * 0.6; column += step * 0.8) {
      if (random() > lit) continue;
      brush.fillStyle = `rgba(${tone}, ${0.35 + random() * 0.6})`;
      brush.fillRect(column, row, Math.max(1, 1.7 * scale), Math.max(1, 2.1 * scale));
    }
  }
}

/** A train seen from the side, windows lit. @param {number} length @param {number} height */
export function paintTrain(length, height) {
  const [canvas, brush] = easel(length, height);
  const cars = 5;
  const car = length / cars;
  for (let index = 0; index < cars; index += 1) {
    brush.fillStyle = "#1a1438";
    brush.beginPath();
    brush.roundRect(index * car + 1, 0, car - 2, height, height * 0.3);
    brush.fill();
    brush.fillStyle = "#ffe3a8";
    for (let pane = 0; pane < 6; pane += 1) {
      brush.fillRect(index * car + car * (0.08 + pane * 0.145), height * 0.25, car * 0.11, height * 0.36);
    }
  }
  return canvas;
}

/** @param {CanvasRenderingContext2D} brush @param {number} from @param {number} to @param {[number, string][]} stops */
function gradient(brush, from, to, stops) {
  const blend = brush.createLinearGradient(0, from, 0, to);
  for (const [place, color] of stops) blend.addColorStop(place, color);
  return blend;
}
