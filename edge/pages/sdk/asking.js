/**
 * Asking over a connection that may be lost under way.
 *
 * @typedef {(signal: AbortSignal) => Promise<void>} Linked until there is a connection to ask over, or `signal` says
 *   that it is too late; throws Refusal where there will be none
 * @typedef {import("./protocol.js").Ok} Ok
 */

import { sleep } from "./pace.js";
import { Lost, Refusal } from "./protocol.js";

const RETRY_MS = 250;

/**
 * Try until it is answered, again where the outcome is unknown. Only for what may be said twice.
 * @template T
 * @param {Linked} linked @param {(leftMs: number) => Promise<T>} attempt
 * @param {number} timeoutMs @param {() => number} random @returns {Promise<T>}
 * @throws {Refusal} the service's, or `timeout`
 */
export function untilAnswered(linked, attempt, timeoutMs, random) {
  return within(timeoutMs, async (late, leftMs) => {
    let last = new Refusal("timeout", "no answer came in time");
    for (let tries = 0; ; tries += 1) {
      await linked(late).catch((why) => { throw tries > 0 && why instanceof Refusal ? afterTry(why) : why; });
      if (late.aborted) throw last;
      let waitMs = RETRY_MS; // after a loss too: a socket that is closing is not closed yet
      try {
        return await attempt(leftMs());
      } catch (error) {
        if (error instanceof Refusal && error.isUndecided) last = error;
        else if (!(error instanceof Lost)) throw error;
        if (error instanceof Refusal) waitMs = error.retryMs ?? RETRY_MS;
      }
      await sleep(waitMs * (0.5 + random()), late);
    }
  });
}

/**
 * What one user asks is never repeated over the connection of another.
 * @param {{user?: string | null}} connection @param {Linked} linked @returns {Linked}
 */
export function asOneUser(connection, linked) {
  const { user } = connection;
  return async (late) => {
    await linked(late);
    const isAnother = user !== undefined && connection.user !== user;
    if (isAnother) throw new Refusal("unauthorized", "another user has signed in");
  };
}

/** What came of the try is not known, though there will be no other. @param {Refusal} why */
function afterTry({ name, message, retryMs }) {
  return new Refusal(name, message, retryMs, true);
}

/**
 * Try once there is a connection, and never again: for what counts each time.
 * @template T
 * @param {Linked} linked @param {(leftMs: number) => Promise<T>} attempt @param {number} timeoutMs @returns {Promise<T>}
 * @throws {Refusal}
 */
export function atMostOnce(linked, attempt, timeoutMs) {
  return within(timeoutMs, async (late, leftMs) => {
    await linked(late);
    if (late.aborted) throw new Refusal("timeout", "there was no connection in time");
    try {
      return await attempt(leftMs());
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
      throw new Refusal("unavailable", "the connection was lost before the answer came");
    }
  });
}

/**
 * @template T
 * @param {number} ms @param {(late: AbortSignal, leftMs: () => number) => Promise<T>} act @returns {Promise<T>}
 */
async function within(ms, act) {
  const end = performance.now() + ms;
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), ms);
  try {
    return await act(late.signal, () => Math.max(1, end - performance.now()));
  } finally {
    clearTimeout(timer);
  }
}
