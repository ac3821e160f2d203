/**
 * A comment as a little picture: painted once when it enters, then only moved.
 *
 * @typedef {import("../sdk/protocol.js").Comment} Comment
 * @typedef {import("../sdk/protocol.js").Gift} Gift
 * @typedef {{canvas: HTMLCanvasElement, width: number, height: number}} Sprite lengths in CSS pixels
 */

import { NORMAL_SIZE, isStaff } from "../sdk/protocol.js";

export const FONT =
  'system-ui, -apple-system, "Segoe UI", Roboto, "PingFang SC", "Hiragino Sans", "Microsoft YaHei", ' +
  '"Noto Sans CJK SC", "Noto Sans SC", "WenQuanYi Micro Hei", "Apple SD Gothic Neo", "Malgun Gothic", sans-serif';

const LONGEST = 120; // characters that fly; the side list has the rest
const MOST_WIDTH = 4000;

/** @param {number} color 0xRRGGBB */
export function cssColor(color) {
  return `#${color.toString(16).padStart(6, "0")}`;
}

/** How bright a colour looks, from 0 to 1. @param {number} color 0xRRGGBB */
export function luminance(color) {
  return (0.2126 * ((color >> 16) & 255) + 0.7152 * ((color >> 8) & 255) + 0.0722 * (color & 255)) / 255;
}

/** One line, not too long: what flies. @param {string} text */
export function oneLine(text) {
  const line = text.replace(/\s+/gu, " ").trim();
  const characters = Array.from(line.slice(0, 4 * LONGEST));
  return characters.length > LONGEST ? `${characters.slice(0, LONGEST).join("")}…` : line;
}

/**
 * @param {Comment | Gift} event
 * @param {{base: number, ratio: number, isOwn: boolean}} look `base`: pixels of a comment of normal size;
 *   `ratio`: device pixels per CSS pixel
 * @returns {Sprite}
 */
export function paint(event, look) {
  return event.kind === "gift" ? paintGift(event, look) : paintComment(event, look);
}

/** @param {Comment} comment @param {{base: number, ratio: number, isOwn: boolean}} look */
function paintComment(comment, { base, ratio, isOwn }) {
  const size = Math.round((base * comment.size) / NORMAL_SIZE);
  const isFromStaff = isStaff(comment.role);
  const isStanding = comment.mode !== "scroll"; // others fly past behind it
  const isFramed = isOwn || isFromStaff || isStanding;
  const font = `600 ${size}px ${FONT}`;
  const text = oneLine(comment.text);
  const side = isFramed ? size * 0.55 : size * 0.15;
  const { sprite, brush } = begin(text, font, side, Math.round(size * 1.4), ratio);
  if (isFramed) {
    brush.fillStyle = isFromStaff ? "rgba(84, 58, 176, 0.86)" : `rgba(10, 11, 34, ${isStanding ? 0.86 : 0.45})`;
    brush.strokeStyle = isFromStaff ? "#bea5ff" : isOwn ? "#78dcff" : "rgba(255, 255, 255, 0.16)";
    pill(brush, sprite);
  }
  const isDark = luminance(comment.color) < 0.22;
  brush.lineWidth = Math.max(2.5, size * 0.15);
  brush.strokeStyle = isDark ? "rgba(255, 255, 255, 0.85)" : "rgba(4, 5, 18, 0.72)";
  brush.strokeText(text, side, sprite.height / 2);
  brush.fillStyle = cssColor(comment.color);
  brush.fillText(text, side, sprite.height / 2);
  return sprite;
}

/** @param {Gift} gift @param {{base: number, ratio: number}} look */
function paintGift(gift, { base, ratio }) {
  const size = Math.round(base * 1.05);
  const text = oneLine(`${gift.name}  ·  ${gift.gift} × ${gift.count}${gift.text ? `  ·  ${gift.text}` : ""}`);
  const side = size * 0.8;
  const { sprite, brush } = begin(text, `700 ${size}px ${FONT}`, side, Math.round(size * 1.6), ratio);
  const gold = brush.createLinearGradient(0, 0, sprite.width, 0);
  gold.addColorStop(0, "#ffb347");
  gold.addColorStop(0.5, "#ff7e8a");
  gold.addColorStop(1, "#c86bff");
  brush.fillStyle = gold;
  brush.strokeStyle = "rgba(255, 240, 200, 0.9)";
  pill(brush, sprite);
  brush.fillStyle = "#1b0b2e";
  brush.fillText(text, side, sprite.height / 2);
  return sprite;
}

/** @param {string} text @param {string} font @param {number} side @param {number} height @param {number} ratio */
function begin(text, font, side, height, ratio) {
  const canvas = document.createElement("canvas");
  const brush = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  brush.font = font;
  const width = Math.min(MOST_WIDTH, Math.ceil(brush.measureText(text).width + 2 * side));
  canvas.width = Math.ceil(width * ratio);
  canvas.height = Math.ceil(height * ratio);
  brush.scale(ratio, ratio);
  brush.font = font; // a canvas that changes its size forgets
  brush.textBaseline = "middle";
  brush.lineJoin = "round";
  return { sprite: { canvas, width, height }, brush };
}

/** @param {CanvasRenderingContext2D} brush @param {Sprite} sprite */
function pill(brush, { width, height }) {
  brush.lineWidth = 1.5;
  brush.beginPath();
  brush.roundRect(1, 1, width - 2, height - 2, height / 2);
  brush.fill();
  brush.stroke();
}
