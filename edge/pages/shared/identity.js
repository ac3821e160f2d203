/**
 * Who one is: the token, where it came from, and the next one.
 *
 * A page reads a token only to show who one is; whether it is good is for the service to say, whose clock counts. A refresh token can
 * be spent once: tabs that hold the same one tell each other what it brought, for the last to ask would have all of them revoked.
 *
 * @typedef {{uid: string, name: string, role: string, rooms: Record<string, string>, since: number, until: number, isAccess: boolean}} Who
 *   `since` and `until` in ms since 1970
 * @typedef {{token: string, refresh: string}} Pair `refresh` is empty where there is none
 * @typedef {object} Told what the page is told
 * @property {() => void} began somebody signed in
 * @property {(why: string) => void} ended nobody is signed in any more; `why` is empty where one wanted that
 * @property {() => void} [unanswered] a call had no answer
 */

import { Calls } from "../sdk/calls.js";
import { Refusal } from "../sdk/protocol.js";
import { t, timeOf } from "./language.js";

const RANKS = ["guest", "viewer", "moderator", "streamer", "admin"];
const TICK_MS = 5_000;
const LEFT = 0.2; // of its life, when the next one is asked for
const LEAST_LEFT_MS = 10_000;
const MOST_LEFT_MS = 300_000;
const CLOCK_DOUBT_MS = 5_000; // the service, whose clock counts, may refuse a token before its end by what we know of that clock

export class Identity {
  #memory;
  #told;
  #now;
  /** The HTTP API, as who is signed in. */
  calls = new Calls(() => this.token, "", (why) => this.refused(why), () => this.#told.unanswered?.(), () => this.who?.uid);
  #asking = new Calls(() => "");
  #tabs = new BroadcastChannel("danmaku.tokens");
  /** @type {Promise<boolean> | null} */
  #renewing = null;
  /** The token that came in the place of one that was refused. */
  #rescued = "";

  /** @param {import("./memory.js").Memory} memory @param {Told} told @param {() => number} now in ms since 1970, best by the service's clock */
  constructor(memory, told, now = Date.now) {
    this.#memory = memory;
    this.#told = told;
    this.#now = now;
  }

  get token() {
    return this.#memory.token;
  }

  /** @returns {Who | null} */
  get who() {
    return readToken(this.#memory.token);
  }

  /** What the token says of one's role in a room; who was appointed there has a higher one. @param {string} room */
  roleIn(room) {
    const who = this.who;
    return who === null ? "guest" : highest(who.role, who.rooms[room] ?? "guest");
  }

  /** Sign in by the link that led here, else by what this tab remembers; from now on tokens are renewed before they end. */
  start() {
    this.#tabs.onmessage = ({ data }) => this.#heard(data);
    setInterval(() => void this.#tick(), TICK_MS);
    addEventListener("hashchange", () => this.#enter());
    if (!this.#enter() && this.token !== "") this.#told.began();
  }

  /** With what somebody pasted: a token, a link that signs in, or what the service answered who issued tokens. @param {string} pasted @returns {string} why not, or nothing */
  signIn(pasted) {
    const pair = readPasted(pasted);
    const who = readToken(pair.token);
    if (who === null) return t("sign_in.no_token");
    if (!who.isAccess) return t("sign_in.refresh_token");
    this.#memory.keepTokens(pair.token, pair.refresh);
    this.#told.began();
    return "";
  }

  /** @param {string} why empty where one wants it */
  signOut(why = "") {
    this.#memory.keepTokens("", "");
    this.#told.ended(why);
  }

  /**
   * The service does not take the token. Where its time was over there may be a next one; of one that was revoked there is none.
   * @param {string} why @returns {Promise<boolean>} whether there is another token now
   */
  async refused(why) {
    const who = this.who;
    const isOver = who !== null && who.until <= this.#now() + CLOCK_DOUBT_MS;
    // Ours may be the clock that is wrong: the next token is worth asking for, but not one after the other.
    if ((isOver || this.token !== this.#rescued) && (await this.#renew())) {
      this.#rescued = this.token;
      return true;
    }
    if (this.token !== "") this.signOut(isOver ? t("sign_in.expired", { at: timeOf(who.until) }) : why);
    return false;
  }

  /** As `refused`, where the connection says so. @param {import("../sdk/connection.js").State} state @param {() => void} again with another token */
  async heed(state, again) {
    if (state.phase === "refused" && state.name === "unauthorized" && (await this.refused(state.reason))) again();
  }

  /** `#token=…` of a link that signs in, maybe with `refresh=…`; it stays neither in the address nor in the history. */
  #enter() {
    const { token, refresh } = readFragment(location.hash);
    if (token === "") return false;
    history.replaceState(null, "", location.pathname + location.search);
    this.#memory.keepTokens(token, refresh);
    this.#told.began();
    return true;
  }

  async #tick() {
    const who = this.who;
    if (who !== null && this.#now() >= who.until - left(who)) await this.#renew();
  }

  #renew() {
    this.#renewing ??= this.#spend().finally(() => (this.#renewing = null));
    return this.#renewing;
  }

  /** @returns {Promise<boolean>} whether there is another token now */
  async #spend() {
    const spent = this.#memory.refresh;
    if (spent === "") return false;
    try {
      const answer = await this.#asking.call("POST", "v1/tokens/refresh", { refresh_token: spent });
      const pair = { token: String(answer.access_token), refresh: String(answer.refresh_token) };
      this.#tabs.postMessage({ spent, ...pair });
      if (this.#memory.refresh !== spent) return this.token !== ""; // signed out, or in as another one, meanwhile
      this.#memory.keepTokens(pair.token, pair.refresh);
      return true;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (!error.retryable && this.#memory.refresh === spent) this.#memory.keepTokens(this.token, "");
      return false;
    }
  }

  /** Another tab spent a refresh token. @param {Pair & {spent: string}} news */
  #heard({ spent, token, refresh }) {
    if (spent !== "" && spent === this.#memory.refresh) this.#memory.keepTokens(token, refresh);
  }
}

/** What a token says of its holder; null where it is none. @param {string} token @returns {Who | null} */
export function readToken(token) {
  try {
    const payload = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const claims = JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(payload), (char) => char.charCodeAt(0))));
    if (typeof claims.sub !== "string" || typeof claims.exp !== "number") return null;
    return {
      uid: claims.sub,
      name: typeof claims.name === "string" ? claims.name : claims.sub,
      role: typeof claims.role === "string" ? claims.role : "viewer",
      rooms: typeof claims.rooms === "object" && claims.rooms !== null ? claims.rooms : {},
      since: Number(claims.iat ?? 0) * 1000,
      until: claims.exp * 1000,
      isAccess: claims.typ !== "refresh",
    };
  } catch {
    return null;
  }
}

/** @param {string} pasted @returns {Pair} */
export function readPasted(pasted) {
  const text = pasted.trim();
  if (text.includes("#")) return readFragment(text.slice(text.indexOf("#")));
  try {
    const { access_token = "", refresh_token = "" } = JSON.parse(text);
    return { token: String(access_token), refresh: String(refresh_token) };
  } catch {
    return { token: text, refresh: "" };
  }
}

/** Whether a role is this one, or a higher one. @param {string} role @param {string} least */
export function isAtLeast(role, least) {
  return RANKS.indexOf(role) >= RANKS.indexOf(least);
}

/** @param {string} fragment @returns {Pair} */
function readFragment(fragment) {
  const said = new URLSearchParams(fragment.slice(1));
  return { token: said.get("token") ?? "", refresh: said.get("refresh") ?? "" };
}

/** @param {string} one @param {string} other */
function highest(one, other) {
  return isAtLeast(one, other) ? one : other;
}

/** @param {Who} who */
function left({ since, until }) {
  return Math.min(MOST_LEFT_MS, Math.max(LEAST_LEFT_MS, (until - since) * LEFT));
}
