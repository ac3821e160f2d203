/**
 * What the address of an overlay asks for: `/overlay?room=NAME&…#token=…`. Pure.
 *
 * What cannot be read is as if it had not been said, for nobody is there to mend it while the stream runs.
 *
 * @typedef {import("../overlay/options.js").Options} Options
 * @typedef {"top-left" | "top-right" | "bottom-left" | "bottom-right"} Corner
 * @typedef {object} Wish
 * @property {string} room empty: none that could be one
 * @property {string} token empty: as a guest
 * @property {Partial<Options>} options of the overlay
 * @property {{gifts: boolean, pins: boolean, polls: boolean, likes: boolean}} shows
 * @property {"dark" | "light"} theme of the cards
 * @property {Corner} corner where cards are
 * @property {number} scale of letters, 1 is normal
 */

import { MODES } from "../overlay/options.js";
import { isId } from "../sdk/protocol.js";

const CROSSING_S = 9; // at speed 1
const CORNERS = ["top-left", "top-right", "bottom-left", "bottom-right"];
const YES = new Set(["1", "true", "yes", "on"]);
const NO = new Set(["0", "false", "no", "off"]);

/** @param {string} search @param {string} hash @returns {Wish} */
export function readAddress(search, hash) {
  const query = new URLSearchParams(search);
  const room = query.get("room") ?? "";
  const scale = numberIn(query, "size", 25, 400, 100) / 100;
  const modes = (query.get("modes") ?? "").split(/[\s,]+/u);
  return {
    room: isId(room) ? room : "",
    token: new URLSearchParams(hash.replace(/^#/u, "")).get("token")?.trim() ?? "",
    options: {
      area: numberIn(query, "area", 5, 100, 100) / 100,
      opacity: numberIn(query, "opacity", 5, 100, 100) / 100,
      scale,
      seconds: CROSSING_S / numberIn(query, "speed", 0.25, 4, 1),
      most: numberIn(query, "max", 1, 500, 240),
      hasOutline: flag(query, "shadow", true),
      modes: MODES.some((mode) => modes.includes(mode)) ? MODES.filter((mode) => modes.includes(mode)) : MODES,
    },
    shows: {
      gifts: flag(query, "gifts", true),
      pins: flag(query, "pins", true),
      polls: flag(query, "polls", true),
      likes: flag(query, "likes", true),
    },
    theme: query.get("theme") === "light" ? "light" : "dark",
    corner: /** @type {Corner} */ (CORNERS.find((corner) => corner === query.get("corner")) ?? "bottom-left"),
    scale,
  };
}

/** @param {URLSearchParams} query @param {string} name @param {number} least @param {number} most @param {number} fallback */
function numberIn(query, name, least, most, fallback) {
  const said = (query.get(name) ?? "").trim();
  const value = Number(said);
  return said === "" || !Number.isFinite(value) ? fallback : Math.min(most, Math.max(least, value));
}

/** @param {URLSearchParams} query @param {string} name @param {boolean} fallback */
function flag(query, name, fallback) {
  const said = (query.get(name) ?? "").toLowerCase();
  return NO.has(said) ? false : YES.has(said) ? true : fallback;
}
