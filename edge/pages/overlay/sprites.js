/**
 * A comment as a little picture: painted once when it enters, then only moved.
 *
 * @typedef {import("./comment.js").Entry} Entry
 * @typedef {import("./options.js").Options} Options
 * @typedef {import("./stage.js").Size} Size
 * @typedef {{base: number, options: Readonly<Options>}} Look `base`: pixels of a comment of normal size
 */

import { NORMAL_SIZE } from "./comment.js";

const MOST_WIDTH = 4000; // CSS pixels
const DARK = 0.22; // from there on letters are edged with black

/** The frame and letters of what was paid for. */
const GOLD = { colors: ["#ffb347", "#ff7e8a", "#c86bff"], edge: "rgba(255, 240, 200, 0.9)", ink: "#1b0b2e" };
const SILK = { colors: ["#2fd6a3", "#3bb8e6"], edge: "rgba(220, 255, 246, 0.9)", ink: "#04212b" };

/** @param {number} color 0xRRGGBB */
export function cssColor(color) {
  return `#${color.toString(16).padStart(6, "0")}`;
}

/** How bright a colour looks, from 0 to 1. @param {number} color 0xRRGGBB */
export function luminance(color) {
  return (0.2126 * ((color >> 16) & 255) + 0.7152 * ((color >> 8) & 255) + 0.0722 * (color & 255)) / 255;
}

/** Measures and paints; keeps one brush to measure with. */
export class Painter {
  #ruler = brushOf(document.createElement("canvas"));
  #font = "";

  /**
   * How large it will be. One that has to fit is cut, for it will not pass by.
   * @param {Entry} entry @param {Look & {most: number}} look
   * @returns {Size}
   */
  measure(entry, { base, most, options }) {
    const { size, side, height, font } = shape(entry, base, options);
    if (font !== this.#font) this.#ruler.font = this.#font = font;
    let inner = this.#ruler.measureText(entry.text).width;
    const room = Math.max(size, most - 2 * side - 8);
    while (inner > room) {
      entry.text = shortened(entry.text, room / inner);
      inner = this.#ruler.measureText(entry.text).width;
      if (entry.text.length <= 2) break;
    }
    return { width: Math.max(1, Math.min(MOST_WIDTH, Math.ceil(inner + 2 * side))), height };
  }

  /**
   * @param {Entry} entry @param {Size} size as it was measured @param {Look} look @param {number} ratio device pixels per CSS pixel
   * @returns {HTMLCanvasElement}
   */
  paint(entry, { width, height }, { base, options }, ratio) {
    const canvas = document.createElement("canvas");
    canvas.width = Math.ceil(width * ratio);
    canvas.height = Math.ceil(height * ratio);
    const brush = brushOf(canvas);
    const { size, side, font, isFramed } = shape(entry, base, options);
    brush.scale(ratio, ratio);
    brush.font = font;
    brush.textBaseline = "middle";
    brush.lineJoin = "round";
    const isPaid = entry.style !== "plain";
    if (isFramed) frame(brush, entry, width, height);
    if (options.hasOutline && !isPaid) {
      brush.lineWidth = Math.max(2.5, size * 0.15);
      brush.strokeStyle = luminance(entry.color) < DARK ? "rgba(255, 255, 255, 0.85)" : "rgba(4, 5, 18, 0.72)";
      brush.strokeText(entry.text, side, height / 2);
    }
    brush.fillStyle = isPaid ? (entry.style === "gift" ? GOLD : SILK).ink : cssColor(entry.color);
    brush.fillText(entry.text, side, height / 2);
    return canvas;
  }
}

/** @param {Entry} entry @param {number} base @param {Readonly<Options>} options */
function shape(entry, base, options) {
  const isPaid = entry.style !== "plain";
  const size = Math.max(6, Math.round(isPaid ? base : (base * entry.size) / NORMAL_SIZE));
  const isStanding = entry.mode !== "scroll"; // others fly past behind it
  const isFramed = isPaid || entry.isOwn || entry.isStaff || isStanding;
  return {
    size,
    isFramed,
    font: `${isPaid ? 700 : 600} ${size}px ${options.fontFamily}`,
    side: isPaid ? size * 0.8 : isFramed ? size * 0.55 : size * 0.15,
    height: Math.round(size * 1.4),
  };
}

/** A pill behind the letters. @param {CanvasRenderingContext2D} brush @param {Entry} entry @param {number} width @param {number} height */
function frame(brush, entry, width, height) {
  if (entry.style !== "plain") {
    const { colors, edge } = entry.style === "gift" ? GOLD : SILK;
    const fill = brush.createLinearGradient(0, 0, width, 0);
    colors.forEach((color, place) => fill.addColorStop(place / (colors.length - 1), color));
    brush.fillStyle = fill;
    brush.strokeStyle = edge;
  } else {
    const isStanding = entry.mode !== "scroll";
    brush.fillStyle = entry.isStaff ? "rgba(84, 58, 176, 0.86)" : `rgba(10, 11, 34, ${isStanding ? 0.86 : 0.45})`;
    brush.strokeStyle = entry.isStaff ? "#bea5ff" : entry.isOwn ? "#78dcff" : "rgba(255, 255, 255, 0.16)";
  }
  brush.lineWidth = 1.5;
  brush.beginPath();
  brush.roundRect(1, 1, width - 2, height - 2, height / 2);
  brush.fill();
  brush.stroke();
}

/** @param {string} text @param {number} share of it that fits */
function shortened(text, share) {
  const characters = Array.from(text.replace(/…$/u, ""));
  const most = Math.min(characters.length - 1, Math.floor(characters.length * share));
  return `${characters.slice(0, Math.max(1, most)).join("")}…`;
}

/** @param {HTMLCanvasElement} canvas */
function brushOf(canvas) {
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
}
