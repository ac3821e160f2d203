/**
 * A source of fresh tokens for who holds a refresh token: spends it in time, once, and keeps what comes for it.
 *
 * @typedef {{access_token: string, refresh_token: string}} Pair as `POST /v1/tokens` answers it
 */

import { httpAddress } from "./address.js";
import { Calls } from "./calls.js";

const LEFT = 0.2; // of its life, when the next one is asked for
const MOST_LEFT_MS = 300_000;

/**
 * For `new Client(url, { token: refreshed(url, pair, keep) })`. A refresh token can be spent once: whoever holds the same
 * one elsewhere, as another tab or another process, has to be given what `keep` is given.
 * @param {string} url where the service is @param {Pair} pair
 * @param {(pair: Pair) => void} keep told each new pair, to be remembered in place of the one before
 * @param {() => number} now in ms since 1970
 * @returns {() => Promise<string>} throws Refusal; `unauthorized` where the login is over
 */
export function refreshed(url, pair, keep = () => {}, now = Date.now) {
  const calls = new Calls(() => "", httpAddress(url));
  /** @type {Promise<string> | null} */
  let asking = null;

  async function spend() {
    const { access_token, refresh_token } = await calls.call("POST", "v1/tokens/refresh", { refresh_token: pair.refresh_token });
    pair = { access_token, refresh_token };
    keep(pair);
    return access_token;
  }

  return async () => {
    if (leftMs(pair.access_token, now()) > 0) return pair.access_token;
    asking ??= spend().finally(() => (asking = null));
    return await asking;
  };
}

/** So long it need not be renewed; 0 where it cannot be read. @param {string} token @param {number} now */
function leftMs(token, now) {
  try {
    const payload = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const { iat, exp } = JSON.parse(atob(payload));
    return exp * 1000 - Math.min(MOST_LEFT_MS, (exp - iat) * 1000 * LEFT) - now || 0;
  } catch {
    return 0;
  }
}
