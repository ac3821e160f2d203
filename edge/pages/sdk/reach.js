/** Why no socket opens, as far as HTTP can tell: loaded where none does. */

import { edgesAt } from "./places.js";

/** @typedef {{name: string, reason: string}} Why */

const BARRED = Object.freeze({
  name: "upgrade_required",
  reason: "HTTP reaches the service, but no WebSocket does: a proxy in between may not pass on Upgrade",
});

/** @param {string} url @param {number} ms for the answer @returns {Promise<Why | null>} null: nobody knows @throws {Error} where HTTP does not reach it either */
export async function unopened(url, ms) {
  const edges = await edgesAt(url, "", ms);
  return edges.some(({ full }) => !full) ? BARRED : null; // what is full takes no WebSocket
}
