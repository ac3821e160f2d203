/** Where a client connects, and where next when it cannot stay there. */

import { httpAddress } from "./address.js";

const MOST_TOLD = 64; // a service may have more edges: more than that nobody tries
const MOST_ASKED = 3; // for one attempt to connect

/** Sockets of one service, by their URLs; they are tried in turn, and never one twice in a row. */
export class Places {
  #given;
  #order;
  #began = false;
  current;

  /** @param {string[]} given @throws {TypeError} where there is none */
  constructor(given) {
    if (given.length === 0) throw new TypeError("a client needs the address of a service");
    this.#given = [...new Set(given)];
    this.#order = [...this.#given];
    this.current = this.#order[0];
  }

  /** How many there are to try. */
  get size() {
    return this.#order.length;
  }

  /** Who may know where to go: those not here first, as what is here may be gone. @returns {string[]} */
  toAsk() {
    const all = this.#began ? [...this.#others(), this.current] : this.#order;
    return all.slice(0, MOST_ASKED);
  }

  /**
   * What the service says is to be tried, in this order; what was given is never forgotten. Of a service that was given
   * with TLS, no place without it.
   * @param {string[]} urls
   */
  told(urls) {
    const needsTls = this.#given.every((url) => url.startsWith("wss:"));
    const fitting = urls.filter((url) => (needsTls ? /^wss:/ : /^wss?:/).test(url));
    this.#order = [...new Set([...fitting.slice(0, MOST_TOLD), ...this.#given])];
  }

  /** The next one: another than now, where there is any. @returns {string} */
  move() {
    const others = this.#began ? this.#others() : this.#order;
    this.#began = true;
    if (others.length > 0) {
      this.current = others[0];
      this.#order = [...this.#others(), this.current];
    }
    return this.current;
  }

  #others() {
    return this.#order.filter((url) => url !== this.current);
  }
}

/**
 * Move on, by what `GET /v1/edges` says about it where that is answered. No token is shown.
 * @param {Places} places @param {string} region "" where that does not matter @param {number} ms for each question
 */
export async function find(places, region, ms) {
  for (const url of places.toAsk()) {
    try {
      const query = region ? `?region=${encodeURIComponent(region)}` : "";
      const answer = await fetch(`${httpAddress(url)}v1/edges${query}`, { signal: AbortSignal.timeout(ms), redirect: "error" });
      /** @type {{edges: {address: string, full?: boolean}[]}} */
      const { edges } = await answer.json();
      places.told(edges.filter(({ full }) => !full).map(({ address }) => address));
      break;
    } catch {} // somebody else may answer, and what is known already can be tried in any case
  }
  places.move();
}
