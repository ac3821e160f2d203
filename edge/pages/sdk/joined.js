/**
 * A joined room, as its user holds it.
 *
 * @typedef {import("./protocol.js").Position} Position
 * @typedef {import("./protocol.js").Refusal} Refusal
 * @typedef {import("./protocol.js").Mode} Mode
 * @typedef {import("./showing.js").Item} Item
 * @typedef {import("./showing.js").Stats} Stats
 * @typedef {object} Sent what became of a comment
 * @property {boolean} shown false: accepted, and left out of a full room, or to be shown in `delayMs`
 * @property {Position | null} position where it is shown @property {number | null} at @property {number | null} delayMs
 */

import { atMostOnce } from "./asking.js";
import { Reader, START } from "./reader.js";
import { placeItem } from "./showing.js";

/**
 * For `for await`, or for callbacks with `on`. Items come once each and in the order of their positions, also across
 * lost connections; what was missed in between is read back. Of stats only the latest waits, and is read first. One
 * reader per room: two loops, or a loop and callbacks, share the items.
 *
 * A reader that is too slow for its buffer loses the oldest items; they are counted in `missed`. Iteration stops after
 * `leave` or when the client is closed, and throws Refusal when the room was taken away (`banned`, `room_closed`, …).
 */
export class JoinedRoom {
  #room;
  #showing;
  #timing;
  #left;

  /**
   * @param {import("./room.js").Room} room @param {import("./showing.js").Showing} showing
   * @param {import("./pace.js").Timing} timing @param {() => void} left
   */
  constructor(room, showing, timing, left) {
    this.#room = room;
    this.#showing = showing;
    this.#timing = timing;
    this.#left = left;
  }

  get name() {
    return this.#room.name;
  }

  /** The last position that came in; give it to `client.join` as `since` to go on here. @returns {Position} */
  get position() {
    return this.#room.position;
  }

  /** At least so many items were lost: this reader was too slow, or nobody keeps them any more. */
  get missed() {
    return this.#room.missed + this.#showing.inbox.dropped;
  }

  /** So many items the service left out, because this viewer or the service was too slow for them. */
  get skipped() {
    return this.#room.skipped;
  }

  /** The settings in force. */
  get settings() {
    return this.#showing.settings;
  }

  /** What the room is called; empty where it has no title. */
  get title() {
    return this.#showing.title;
  }

  /** Where the room stood at the last join: what comes up to there was shown before. */
  get head() {
    return this.#showing.head;
  }

  /** Viewers, likes and votes, as they were told last. */
  get stats() {
    return this.#showing.stats;
  }

  /** What was in view at the last join. */
  get pinned() {
    return this.#showing.pinned;
  }

  /** The open poll, and how it stood when that was told last. */
  get poll() {
    return this.#showing.poll;
  }

  /** @returns {AsyncIterator<Item | Stats>} */
  [Symbol.asyncIterator]() {
    return this.#showing.inbox[Symbol.asyncIterator]();
  }

  /**
   * Call `act` with each item of this kind (`comment`, `gift`, `stats` …); with "item": with each; with "end": when
   * nothing more comes, with the Refusal that says why, or null.
   * @template {Item["kind"] | "stats" | "item" | "end"} Kind
   * @param {Kind} kind
   * @param {(given: Kind extends "end" ? Refusal | null : Kind extends "item" ? Item | Stats :
   *   Extract<Item | Stats, {kind: Kind}>) => void} act
   * @returns {() => void} no longer
   */
  on(kind, act) {
    return this.#showing.inbox.on(kind, act);
  }

  /**
   * Send a comment; `color` is 0xRRGGBB. Returns once the service has decided. Where the outcome is unknown it is sent
   * again under the same `cid` until `timeoutMs` are over, and shown once; give a `cid` to go on with that yourself.
   * @param {string} text
   * @param {{mode?: Mode, color?: number, size?: number, cid?: string, timeoutMs?: number}} [how]
   * @returns {Promise<Sent>} @throws {Refusal}
   */
  async send(text, { timeoutMs, ...how } = {}) {
    const { shown = false, epoch, seq, at = null, delay_ms: delayMs = null } = await this.#room.send({ text, ...how }, timeoutMs);
    return { shown, position: epoch === undefined ? null : { epoch, seq }, at, delayMs };
  }

  /**
   * Add `n` (1 to 100) likes. Counted at most once: after a Refusal they may be counted or not.
   * @param {number} [n] @param {{timeoutMs?: number}} [how] @throws {Refusal}
   */
  async like(n = 1, { timeoutMs = this.#timing.answer } = {}) {
    await atMostOnce((late) => this.#room.linked(late), () => this.#room.like(n), timeoutMs);
  }

  /**
   * Vote in a poll for the option at that place, from 0. Counts once, however often it is said; returns once it is stored.
   * @param {string} poll @param {number} option @param {{timeoutMs?: number}} [how]
   * @throws {Refusal} `conflict` where something else was voted for, `poll_closed`, …
   */
  async vote(poll, option, { timeoutMs } = {}) {
    await this.#room.vote(poll, option, timeoutMs);
  }

  /**
   * What the room showed after `since`, oldest first, about `limit` items. Go on with the position of the last while
   * there are items. Not complete: something before it is gone, or more is to come. Does not touch the iteration.
   * @param {{since?: Position, limit?: number, timeoutMs?: number}} [how]
   * @returns {Promise<{items: Item[], isComplete: boolean}>} @throws {Refusal}
   */
  async history({ since = START, limit, timeoutMs } = {}) {
    const ok = await this.#room.history(since, limit, timeoutMs);
    const placed = new Reader(since).history(since, ok.history ?? [], true);
    const items = placed.map(({ position, at, item }) => placeItem(this.name, position, at, item));
    return { items, isComplete: ok.complete !== false };
  }

  /** Stop watching. Iteration stops once what has come in is read. */
  leave() {
    this.#room.leave();
    this.#showing.inbox.end();
    this.#left();
  }
}
