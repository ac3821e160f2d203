/**
 * A comment as it is handed in, and as the overlay takes it. Pure.
 *
 * @typedef {import("./options.js").Mode} Mode
 * @typedef {"plain" | "paid" | "gift"} Style
 * @typedef {object} Comment what is pushed; anything else it holds is left alone and comes back with the events
 * @property {string} text
 * @property {string} [label] stands before the text: a name, an amount
 * @property {Mode} [mode]
 * @property {number} [color] red, green and blue, as 0xRRGGBB
 * @property {number} [size] 25 is normal
 * @property {Style} [style]
 * @property {boolean} [isOwn] by whoever looks at it
 * @property {boolean} [isStaff] by somebody who works here
 *
 * @typedef {object} Entry
 * @property {Comment} comment as it was pushed
 * @property {string} text one line, with the label
 * @property {Mode} mode
 * @property {number} color
 * @property {number} size
 * @property {Style} style
 * @property {boolean} isOwn
 * @property {boolean} isStaff
 * @property {Rank} rank
 *
 * @typedef {"own" | "staff" | "paid" | "plain"} Rank
 */

import { MODES } from "./options.js";

export const NORMAL_SIZE = 25;
const SIZES = { least: 12, most: 64 };
const WHITE = 0xffffff;
const LONGEST = 120; // characters; more cannot be read while it flies by

/** Who goes first. @type {readonly Rank[]} */
export const RANKS = Object.freeze(["own", "staff", "paid", "plain"]);

/** Nothing odd in a comment does harm: it is shown as if it had not been said. @param {Comment} comment @returns {Entry} */
export function readComment(comment) {
  const { mode = "scroll", style = "plain", isOwn = false, isStaff = false } = comment;
  const isPaid = style === "paid" || style === "gift";
  return {
    comment,
    text: lineOf(comment),
    mode: MODES.includes(mode) ? mode : "scroll",
    color: whole(comment.color, 0, WHITE, WHITE),
    size: whole(comment.size, SIZES.least, SIZES.most, NORMAL_SIZE),
    style: isPaid ? style : "plain",
    isOwn,
    isStaff,
    rank: isOwn ? "own" : isStaff ? "staff" : isPaid ? "paid" : "plain",
  };
}

/** One line, not too long, and without marks that would turn round what stands beside it. @param {unknown} text */
export function oneLine(text) {
  const line = String(text ?? "").slice(0, 16 * LONGEST).replace(/\p{Bidi_Control}/gu, "").replace(/\s+/gu, " ").trim();
  const characters = Array.from(line.slice(0, 4 * LONGEST));
  return characters.length > LONGEST ? `${characters.slice(0, LONGEST).join("")}…` : line;
}

/** @param {Comment} comment */
function lineOf({ label, text }) {
  const parts = [label, text].map(oneLine).filter((part) => part !== "");
  // Each by itself, whichever way it is read.
  return parts.length === 1 ? parts[0] : parts.map((part) => `\u2068${part}\u2069`).join("  ·  ");
}

/** @param {unknown} value @param {number} least @param {number} most @param {number} fallback */
function whole(value, least, most, fallback) {
  return Number.isSafeInteger(value) ? Math.min(most, Math.max(least, Number(value))) : fallback;
}
