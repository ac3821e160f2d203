/**
 * A joined room: joins again after a lost connection, pulls what is missing, sends and likes.
 *
 * @typedef {import("./connection.js").Connection} Connection
 * @typedef {import("./protocol.js").Ok} Ok
 * @typedef {import("./protocol.js").Aside} Aside
 * @typedef {import("./protocol.js").Batch} Batch
 * @typedef {import("./protocol.js").Skip} Skip
 * @typedef {import("./protocol.js").Stats} Stats
 * @typedef {import("./protocol.js").RoomSettings} RoomSettings
 * @typedef {import("./reader.js").Placed} Placed
 * @typedef {import("./pace.js").Timing} Timing
 * @typedef {object} Audience who is told what the room shows
 * @property {(placed: Placed[]) => void} shown once each and in order
 * @property {(viewers: number, likes: number) => void} counted
 * @property {(poll?: string, counts?: number[]) => void} [polled] how the open poll stands
 * @property {(pinned: import("./protocol.js").Pinned[], poll: Record<string, any> | null, whole: boolean) => void} [viewed]
 *   what is in view, after each return and before what was shown meanwhile, which may have changed it; `whole` where all of that follows
 * @property {(settings: RoomSettings) => void} joined also after each return
 * @property {(count: number) => void} missed so many more items cannot be had any more
 * @property {(refusal: Refusal) => void} refused the room cannot be watched
 */

import { Lost } from "./connection.js";
import { sleep } from "./pace.js";
import { newId, Refusal } from "./protocol.js";
import { Reader } from "./reader.js";

const PULL_LIMIT = 500;
const MOST_PULL_WAIT = 15_000;
const RESEND_WAIT = 250;
const UNDECIDED = new Set(["unavailable", "timeout"]);

export class Room {
  #connection;
  #audience;
  #timing;
  #random;
  #reader = new Reader();
  /** Raised whenever the present stay in the room is over: by a lost connection, or by leaving. */
  #stay = 0;
  #isIn = false;
  #isPulling = false;
  #isOver = false;
  #missed = 0;
  /** @type {(() => void)[]} */
  #waiting = [];

  /**
   * @param {string} name @param {Connection} connection @param {Audience} audience
   * @param {Timing} timing @param {() => number} random
   */
  constructor(name, connection, audience, timing, random = Math.random) {
    this.name = name;
    this.#connection = connection;
    this.#audience = audience;
    this.#timing = timing;
    this.#random = random;
  }

  /** Join over a new connection, or again, until it is done, refused for good, or the connection is lost. */
  async enter() {
    const stay = (this.#stay += 1);
    this.#isIn = false;
    this.#reader.lost();
    let most = this.#timing.firstRetry;
    while (stay === this.#stay) {
      try {
        await this.#join(stay);
        return;
      } catch (error) {
        if (stay !== this.#stay || error instanceof Lost) return;
        if (!(error instanceof Refusal)) throw error;
        if (!error.retryable) {
          this.#over();
          this.#audience.refused(error);
          return;
        }
        await sleep(Math.max(this.#random() * most, error.retryMs ?? 0));
        most = Math.min(most * 2, this.#timing.mostRetry);
      }
    }
  }

  /** The connection is gone; `enter` again over the next one. */
  lost() {
    this.#stay += 1;
    this.#isIn = false;
    this.#reader.lost();
  }

  /** Stop watching, for good. */
  leave() {
    this.#over();
    this.#connection.ask({ t: "leave", room: this.name }).catch(() => {}); // the next connection does not join it
  }

  /** The service sent us out. */
  end() {
    this.#over();
  }

  /** @param {Batch | Aside | Skip | Stats} frame */
  take(frame) {
    if (this.#isOver) return;
    if (frame.t === "aside") {
      this.#show(frame.items.map((item) => ({ position: this.#reader.position, at: frame.at, item })));
      return;
    }
    if (frame.t === "stats") {
      this.#audience.counted(frame.viewers, frame.likes);
      this.#audience.polled?.(frame.poll, frame.counts);
      this.#reader.stats({ epoch: frame.epoch, seq: frame.seq });
    } else {
      this.#show(this.#reader.take(frame));
    }
    this.#closeGap();
  }

  /**
   * Send a comment. While the outcome is unknown it is repeated under the same `cid`, and shown once.
   * @param {{text: string, mode?: string, color?: number, size?: number}} comment
   * @returns {Promise<Ok>} @throws {Refusal}
   */
  async send(comment) {
    const frame = { t: "send", room: this.name, ...comment, cid: newId() };
    const deadline = performance.now() + this.#timing.answer;
    while (true) {
      const left = deadline - performance.now();
      if (this.#isOver) throw new Refusal("not_joined", "you are out of this room; reload the page to come back");
      if (left <= 0) throw new Refusal("unavailable", "there is no connection to the room");
      try {
        await this.#entered(left);
        return await this.#connection.ask(frame);
      } catch (error) {
        if (error instanceof Lost) {
          // A socket that is closing is not closed yet, and will not be while nothing else has its turn.
          await sleep(RESEND_WAIT * (0.5 + this.#random()));
          continue;
        }
        if (!(error instanceof Refusal) || !UNDECIDED.has(error.name) || performance.now() >= deadline) throw error;
        await sleep((error.retryMs ?? RESEND_WAIT) * (0.5 + this.#random()));
      }
    }
  }

  /** Add likes (1 to 100), at most once. @param {number} n @returns {Promise<Ok>} @throws {Refusal} @throws {Lost} */
  like(n) {
    return this.#connection.ask({ t: "like", room: this.name, n });
  }

  /** Vote; counts once, however often it is said. @param {string} poll @param {number} option @throws {Refusal} @throws {Lost} */
  vote(poll, option) {
    return this.#connection.ask({ t: "vote", room: this.name, poll, option });
  }

  /** @param {number} stay */
  async #join(stay) {
    const since = this.#reader.since;
    const ok = await this.#connection.ask({ t: "join", room: this.name, ...(since && { since }) });
    if (stay !== this.#stay) return;
    this.#isIn = true;
    this.#audience.joined(ok.settings ?? {});
    this.#audience.counted(ok.viewers ?? 0, ok.likes ?? 0);
    const head = { epoch: ok.epoch ?? 0, seq: ok.seq ?? 0 };
    const whole = ok.complete !== false;
    this.#audience.viewed?.(ok.pinned ?? [], ok.poll ?? null, whole);
    this.#show(this.#reader.joined(since, head, ok.history ?? [], whole));
    this.#audience.polled?.(ok.poll?.id, ok.poll?.counts);
    this.#wake();
    this.#closeGap();
  }

  /** Until the room is joined, or `ms` are over. @param {number} ms @throws {Refusal} */
  async #entered(ms) {
    if (this.#isIn) return;
    let wake = () => {};
    const woken = new Promise((resolve) => {
      wake = () => resolve(undefined);
      this.#waiting.push(wake);
    });
    await Promise.race([woken, sleep(ms)]);
    this.#waiting = this.#waiting.filter((other) => other !== wake);
    if (!this.#isIn) throw new Refusal("unavailable", "there is no connection to the room");
  }

  #over() {
    this.#isOver = true;
    this.lost();
    this.#wake();
  }

  #wake() {
    for (const wake of this.#waiting) wake();
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
    void this.#pull().finally(() => {
      this.#isPulling = false;
      if (!this.#isOver) this.#closeGap();
    });
  }

  /** Ask for what is missing until nothing is; waits first, because a gap often closes by itself. */
  async #pull() {
    const stay = this.#stay;
    let wait = this.#timing.pullJitter;
    let least = 0;
    while (true) {
      await sleep(least + this.#random() * wait);
      const since = this.#reader.gap;
      if (since === null || stay !== this.#stay) break;
      try {
        const ok = await this.#connection.ask({ t: "history", room: this.name, since, limit: PULL_LIMIT });
        if (stay !== this.#stay) break;
        this.#show(this.#reader.history(since, ok.history ?? [], ok.complete !== false));
        wait = this.#timing.pullJitter;
        least = 0;
      } catch (error) {
        if (!(error instanceof Refusal) || stay !== this.#stay) break;
        if (!error.retryable) this.#show(this.#reader.history(since, [], false));
        least = Math.min(error.retryMs ?? 0, MOST_PULL_WAIT);
        wait = Math.min(wait * 2, MOST_PULL_WAIT);
      }
    }
  }
}
