/**
 * A joined room: joins again after a lost connection, pulls what is missing, sends and likes.
 *
 * @typedef {import("./connection.js").Connection} Connection
 * @typedef {import("./protocol.js").Ok} Ok
 * @typedef {import("./protocol.js").Aside} Aside
 * @typedef {import("./protocol.js").Batch} Batch
 * @typedef {import("./protocol.js").Skip} Skip
 * @typedef {import("./protocol.js").Stats} Stats
 * @typedef {import("./protocol.js").Position} Position
 * @typedef {import("./protocol.js").RoomSettings} RoomSettings
 * @typedef {import("./reader.js").Placed} Placed
 * @typedef {import("./pace.js").Timing} Timing
 * @typedef {object} Audience who is told what the room shows
 * @property {(placed: Placed[]) => void} shown once each and in order
 * @property {(viewers: number, likes: number) => void} counted
 * @property {(stats: Stats) => void} [told] what is counted, as it came
 * @property {(poll?: string, counts?: number[]) => void} [polled] how the open poll stands
 * @property {(pinned: import("./protocol.js").Pinned[], poll: Record<string, any> | null, whole: boolean) => void} [viewed]
 *   what is in view, after each return and before what was shown meanwhile, which may have changed it; `whole` where all of that follows
 * @property {(settings: RoomSettings, head: Position, title: string) => void} joined also after each return; what stands up to `head` is history
 * @property {(count: number) => void} missed so many more items cannot be had any more
 * @property {(refusal: Refusal) => void} refused the room cannot be watched
 */

import { asOneUser, untilAnswered } from "./asking.js";
import { sleep } from "./pace.js";
import { Lost, newId, Refusal } from "./protocol.js";
import { Reader } from "./reader.js";

const PULL_LIMIT = 500;
const MOST_PULL_WAIT = 15_000;

export class Room {
  #connection;
  #audience;
  #timing;
  #random;
  #reader;
  #wantsHistory;
  /** Aborted when the present stay in the room is over: by a lost connection, or by leaving. */
  #stay = new AbortController();
  #isIn = false;
  #hasBeenIn = false;
  #isPulling = false;
  /** Why one is out of the room for good. @type {Refusal | null} */
  #out = null;
  #missed = 0;
  /** How often counts were told. */
  #counts = 0;

  /**
   * @param {string} name @param {Connection} connection @param {Audience} audience @param {Timing} timing
   * @param {{random?: () => number, since?: Position | null, history?: boolean}} [visit] `since`: go on after this
   *   position; `history`: whether also what was shown lately is wanted
   */
  constructor(name, connection, audience, timing, { random = Math.random, since = null, history = true } = {}) {
    this.name = name;
    this.#connection = connection;
    this.#audience = audience;
    this.#timing = timing;
    this.#random = random;
    this.#reader = new Reader(since);
    this.#wantsHistory = history || since !== null;
  }

  /** The last position that came in. @returns {Position} */
  get position() {
    return this.#reader.position;
  }

  /** At least so many items are kept nowhere any more. */
  get missed() {
    return this.#reader.missed;
  }

  /** So many items the service left out. */
  get skipped() {
    return this.#reader.skipped;
  }

  /** Whether it is joined now. */
  get isIn() {
    return this.#isIn;
  }

  /** Whether it was joined, be it over an earlier connection. */
  get hasBeenIn() {
    return this.#hasBeenIn;
  }

  /** Join over a new connection, or again, until it is done, refused for good, or the connection is lost. */
  async enter() {
    const stay = this.#begin();
    let most = this.#timing.firstRetry;
    while (!stay.aborted) {
      try {
        await this.#join(stay);
        return;
      } catch (error) {
        if (stay.aborted || error instanceof Lost) return;
        if (!(error instanceof Refusal)) throw error;
        if (!error.retryable) {
          this.end(error);
          this.#audience.refused(error);
          return;
        }
        await sleep(Math.max(this.#random() * most, error.retryMs ?? 0), stay);
        most = Math.min(most * 2, this.#timing.mostRetry);
      }
    }
  }

  /** Join, in one attempt. @param {number} [timeoutMs] @throws {Refusal} @throws {Lost} */
  async join(timeoutMs) {
    await this.#join(this.#begin(), timeoutMs);
  }

  /** The connection is gone; `enter` again over the next one. */
  lost() {
    this.#stay.abort();
    this.#isIn = false;
    this.#reader.lost();
  }

  /** Stop watching, for good. */
  leave() {
    this.end();
    this.#connection.ask({ t: "leave", room: this.name }).catch(() => {}); // the next connection does not join it
  }

  /** We are out of it, for good. @param {Refusal} why */
  end(why = new Refusal("not_joined", "you are out of this room; reload the page to come back")) {
    this.#out ??= why;
    this.lost();
    this.#connection.changed.ring();
  }

  /** @param {Batch | Aside | Skip | Stats} frame */
  take(frame) {
    if (this.#out !== null) return;
    if (frame.t === "aside") {
      this.#show(frame.items.map((item) => ({ position: this.#reader.position, at: frame.at, item })));
      return;
    }
    if (frame.t === "stats") {
      this.#counts += 1;
      this.#audience.counted(frame.viewers, frame.likes);
      this.#audience.told?.(frame);
      this.#audience.polled?.(frame.poll, frame.counts);
      this.#reader.stats({ epoch: frame.epoch, seq: frame.seq });
    } else {
      this.#show(this.#reader.take(frame));
    }
    this.#closeGap();
  }

  /**
   * Until the room is joined, or `signal` says that it is too late.
   * @param {AbortSignal} signal @throws {Refusal} where one is out of it, or there will be no connection
   */
  linked(signal) {
    return this.#connection.until(() => {
      if (this.#out !== null) throw this.#out;
      return this.#isIn;
    }, signal);
  }

  /**
   * Send a comment. While the outcome is unknown it is repeated under the same `cid`, and shown once.
   * @param {{text: string, mode?: string, color?: number, size?: number, cid?: string}} comment
   * @param {number} [timeoutMs] @returns {Promise<Ok>} @throws {Refusal}
   */
  send({ cid = newId(), ...comment }, timeoutMs) {
    return this.#ask({ t: "send", room: this.name, ...comment, cid }, timeoutMs);
  }

  /** Add likes (1 to 100), at most once. @param {number} n @returns {Promise<Ok>} @throws {Refusal} @throws {Lost} */
  like(n) {
    return this.#connection.ask({ t: "like", room: this.name, n });
  }

  /**
   * Vote; counts once, however often it is said.
   * @param {string} poll @param {number} option its place, from 0 @param {number} [timeoutMs] @throws {Refusal}
   */
  vote(poll, option, timeoutMs) {
    return this.#ask({ t: "vote", room: this.name, poll, option }, timeoutMs);
  }

  /**
   * What the room showed after `since`, whole batches, oldest first. Does not touch what is shown.
   * @param {Position} since @param {number} [limit] items @param {number} [timeoutMs] @returns {Promise<Ok>} @throws {Refusal}
   */
  history(since, limit, timeoutMs) {
    return this.#ask({ t: "history", room: this.name, since, ...(limit !== undefined && { limit }) }, timeoutMs);
  }

  /** Again until it is answered. @param {{t: string} & Record<string, any>} frame @returns {Promise<Ok>} @throws {Refusal} */
  #ask(frame, timeoutMs = this.#timing.answer) {
    const ask = (/** @type {number} */ leftMs) => this.#connection.ask(frame, leftMs);
    return untilAnswered(asOneUser(this.#connection, (late) => this.linked(late)), ask, timeoutMs, this.#random);
  }

  /** @returns {AbortSignal} given when this stay is over */
  #begin() {
    this.lost();
    this.#stay = new AbortController();
    return this.#stay.signal;
  }

  /** @param {AbortSignal} stay @param {number} [timeoutMs] */
  async #join(stay, timeoutMs) {
    if (this.#out !== null) throw this.#out; // sent out while it was joined
    const since = this.#reader.since;
    const counts = this.#counts;
    const ok = await this.#connection.ask({ t: "join", room: this.name, ...(since && { since }) }, timeoutMs);
    if (stay.aborted) throw new Lost();
    const batches = this.#hasBeenIn || this.#wantsHistory ? ok.history ?? [] : [];
    this.#isIn = this.#hasBeenIn = true;
    const head = { epoch: ok.epoch ?? 0, seq: ok.seq ?? 0 };
    this.#audience.joined(ok.settings ?? {}, head, ok.title ?? "");
    const whole = ok.complete !== false;
    if (this.#counts === counts) this.#countAs(head, ok); // else newer ones came in right behind the answer
    this.#audience.viewed?.(ok.pinned ?? [], ok.poll ?? null, whole);
    this.#show(this.#reader.joined(since, head, batches, whole));
    this.#audience.polled?.(ok.poll?.id, ok.poll?.counts);
    this.#connection.changed.ring();
    this.#closeGap();
  }

  /** @param {Position} head @param {Ok} ok */
  #countAs(head, { viewers = 0, likes = 0 }) {
    this.#audience.counted(viewers, likes);
    this.#audience.told?.({ t: "stats", room: this.name, ...head, viewers, likes });
  }

  /** @param {Placed[]} placed */
  #show(placed) {
    const missed = this.#reader.missed - this.#missed;
    this.#missed = this.#reader.missed;
    if (missed > 0) this.#audience.missed(missed);
    if (placed.length > 0) this.#audience.shown(placed);
  }

  #closeGap() {
    if (this.#reader.gap === null || !this.#isIn || this.#isPulling) return;
    this.#isPulling = true;
    void this.#pull(this.#stay.signal).finally(() => {
      this.#isPulling = false;
      this.#closeGap();
    });
  }

  /** Ask for what is missing until nothing is; waits first, because a gap often closes by itself. @param {AbortSignal} stay */
  async #pull(stay) {
    let wait = this.#timing.pullJitter;
    let least = 0;
    while (true) {
      await sleep(least + this.#random() * wait, stay);
      const since = this.#reader.gap;
      if (since === null || stay.aborted) break;
      try {
        const ok = await this.#connection.ask({ t: "history", room: this.name, since, limit: PULL_LIMIT });
        if (stay.aborted) break;
        this.#show(this.#reader.history(since, ok.history ?? [], ok.complete !== false));
        wait = this.#timing.pullJitter;
        least = 0;
      } catch (error) {
        if (!(error instanceof Refusal) || stay.aborted) break;
        if (!error.retryable) this.#show(this.#reader.history(since, [], false));
        least = Math.min(error.retryMs ?? 0, MOST_PULL_WAIT);
        wait = Math.min(wait * 2, MOST_PULL_WAIT);
      }
    }
  }
}
