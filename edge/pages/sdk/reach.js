/** Why no socket opens, as the service says over HTTP: loaded where none does. */

import { httpAddress } from "./address.js";

/** @typedef {{name: string, reason: string}} Why */

const LOST = "HTTP reaches the service, but no WebSocket does: a proxy in between may not pass on Upgrade, or edge.origins lacks this page's";
const TOLD = new Set([403, 426, 429, 503]);

/** @param {string} url @param {number} ms for the answer @returns {Promise<Why | null>} null: it says nothing of that @throws {Error} where HTTP does not reach it either */
export async function unopened(url, ms) {
  const answer = await fetch(`${httpAddress(url)}v1/ws`, { signal: AbortSignal.timeout(ms), redirect: "error" });
  if (!TOLD.has(answer.status)) return null;
  const { error, message } = (await answer.json()).error;
  // A browser does not tell its own origin where that is the address: so it is not known whether that was refused.
  return { name: String(error), reason: error === "upgrade_required" ? LOST : String(message) };
}
