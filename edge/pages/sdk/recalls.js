/**
 * What a recall takes back. Knows no page.
 *
 * @typedef {import("./protocol.js").Event} Event
 * @typedef {import("./protocol.js").Position} Position
 * @typedef {import("./protocol.js").Recall} Recall
 */

import { compare } from "./reader.js";

const SAID = new Set(["comment", "announce", "gift", "paid"]);
const RANKS = new Map([["moderator", 1], ["streamer", 2], ["admin", 3]]);

/**
 * Whether the recall, which stands at `at`, takes back an event that stands at `position`.
 * @param {Recall} recall @param {Position} at @param {Event} event @param {Position} position
 */
export function takes(recall, at, event, position) {
  if (recall.of !== null) return compare(recall.of, position) === 0;
  if (!SAID.has(event.kind) || compare(position, at) >= 0) return false;
  const { uid = "", role = "" } = /** @type {{uid?: string, role?: string}} */ (event);
  return (recall.uid === "" || recall.uid === uid) && rank(role) <= rank(recall.role);
}

/**
 * Whether the recall takes back this item of the same room, as `client.join` gives them.
 * @param {Recall & {position: Position}} recall @param {Event & {position: Position}} item
 */
export function takesBack(recall, item) {
  return takes(recall, recall.position, item, item.position);
}

/** @param {string} role */
function rank(role) {
  return RANKS.get(role) ?? 0;
}
