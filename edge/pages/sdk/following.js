/**
 * Reading conversations over a connection: looks where all end after each connect, and pulls what is missing.
 *
 * @typedef {import("./connection.js").Connection} Connection
 * @typedef {import("./protocol.js").Chat} Chat
 * @typedef {import("./protocol.js").Head} Head
 * @typedef {import("./protocol.js").Synced} Synced
 * @typedef {import("./pace.js").Timing} Timing
 * @typedef {object} Reading what is read, and who is told
 * @property {(one: Synced) => number} begin after which seq to read a conversation that was not read yet
 * @property {(conv: string) => boolean} isBegun whether that is known of this one
 * @property {() => boolean} isFull whether nothing more can be taken now; it is pulled later
 * @property {(all: Synced[]) => void} synced all conversations, after each connect
 * @property {(messages: Chat[]) => void} shown once each, and each conversation's in order
 * @property {(refusal: Refusal) => void} refused chat cannot be had
 */

import { ChatReader, MOST_PULL } from "./conversations.js";
import { sleep } from "./pace.js";
import { Lost, Refusal } from "./protocol.js";

const PULL_MESSAGES = 200;
const SYNC_CONVERSATIONS = 200;
const MOST_WAIT = 15_000;

export class Following {
  #connection;
  #reading;
  #timing;
  #random;
  #now;
  /** What was said while nobody was connected is not known. */
  #isStale = true;
  #isBusy = false;
  #isOver = false;
  /** What is missing is missing here alone, as after a connect: no need to spread the pulls. */
  #isAlone = true;
  #atOneTime = MOST_PULL;
  /** Aborted when the present connection is over. */
  #stay = new AbortController();
  /** @type {import("./connection.js").Timer} */
  #timer;
  #wait;

  /**
   * @param {Connection} connection @param {ChatReader} reader @param {Reading} reading @param {Timing} timing
   * @param {{random?: () => number, now?: () => number}} [chance]
   */
  constructor(connection, reader, reading, timing, { random = Math.random, now = () => performance.now() } = {}) {
    this.reader = reader;
    this.#connection = connection;
    this.#reading = reading;
    this.#timing = timing;
    this.#random = random;
    this.#now = now;
    this.#wait = timing.firstRetry;
  }

  /** There is a connection, or something may have been said that nobody was told of. */
  resync() {
    this.#isStale = true;
    this.plan();
  }

  /** The connection is gone; `resync` over the next one. */
  lost() {
    this.#stay.abort();
    this.#stay = new AbortController();
    this.#isBusy = false;
    this.#isStale = true;
    clearTimeout(this.#timer);
  }

  /** Nothing more is read. */
  end() {
    this.#isOver = true;
    this.lost();
  }

  /** @param {Chat | Head} frame */
  take(frame) {
    if (this.#isOver) return;
    if (frame.t === "head") this.#hear(frame.heads);
    else if (!this.#reading.isBegun(frame.conv)) this.#isStale = true; // where to begin is not known
    else if (this.#reading.isFull()) this.reader.heads({ [frame.conv]: frame.seq }, this.#now());
    else this.#show(this.reader.take(frame, this.#now()));
    this.plan();
  }

  /** What is to be done next gets its time. */
  plan() {
    clearTimeout(this.#timer);
    if (this.#isBusy || this.#isOver || !this.#connection.isLive) return;
    const due = this.#isStale ? this.#now() : this.#reading.isFull() ? null : this.reader.due;
    if (due !== null) this.#timer = setTimeout(() => void this.#catchUp(), Math.max(0, due - this.#now()));
  }

  /** @param {Record<string, number>} heads */
  #hear(heads) {
    const known = Object.entries(heads).filter(([conv]) => this.#reading.isBegun(conv));
    if (known.length < Object.keys(heads).length) this.#isStale = true;
    this.reader.heads(Object.fromEntries(known), this.#now());
  }

  async #catchUp() {
    const stay = this.#stay.signal;
    this.#isBusy = true;
    try {
      if (this.#isStale) await this.#sync(stay);
      if (!stay.aborted) await this.#closeGaps(stay);
      this.#wait = this.#timing.firstRetry;
    } catch (error) {
      if (stay.aborted || error instanceof Lost) return;
      if (!(error instanceof Refusal)) throw error;
      if (!error.retryable) {
        this.#reading.refused(error);
        return;
      }
      await sleep(Math.max(this.#random() * this.#wait, error.retryMs ?? 0), stay);
      this.#wait = Math.min(this.#wait * 2, MOST_WAIT);
    }
    if (stay.aborted) return;
    this.#isBusy = false;
    this.plan();
  }

  /** @param {AbortSignal} stay */
  async #sync(stay) {
    this.#isStale = false;
    /** @type {Synced[]} */
    let all;
    try {
      all = await conversations((frame) => this.#connection.ask(frame));
    } catch (error) {
      this.#isStale = true;
      throw error;
    }
    if (stay.aborted) return;
    const past = this.#now() - 1000; // what is missing is pulled at once
    for (const one of all) {
      this.reader.begin(one.conv, this.#reading.begin(one));
      this.reader.synced(one.conv, one.last_seq, one.last ?? null, past);
    }
    this.#isAlone = this.reader.due !== null;
    this.#reading.synced(all);
  }

  /** @param {AbortSignal} stay */
  async #closeGaps(stay) {
    const { due } = this.reader;
    if (due === null || due > this.#now() || this.#reading.isFull()) return;
    // Many may have the same gap, and it may close by itself.
    if (!this.#isAlone) await sleep(this.#random() * this.#timing.pullJitter, stay);
    if (stay.aborted) return;
    const gaps = this.reader.gaps(this.#now(), this.#atOneTime);
    if (gaps.length === 0) return;
    try {
      const convs = gaps.map((gap) => ({ ...gap, limit: PULL_MESSAGES }));
      const { results } = await this.#connection.ask({ t: "chat.pull", convs });
      if (stay.aborted) return;
      this.#show(this.reader.pulled(gaps, results, this.#now()));
      this.#isAlone = results.some((/** @type {{more?: boolean}} */ one) => one.more);
    } catch (error) {
      this.reader.failed(gaps, this.#now(), 0);
      const isTooMany = error instanceof Refusal && error.name === "too_large" && this.#atOneTime > 1;
      if (!isTooMany) throw error;
      this.#atOneTime = Math.floor(this.#atOneTime / 2); // their names have to fit in one message
    }
  }

  /** @param {Chat[]} messages */
  #show(messages) {
    if (messages.length > 0) this.#reading.shown(messages);
  }
}

/**
 * All conversations of the user, page by page.
 * @param {(frame: {t: string} & Record<string, any>) => Promise<import("./protocol.js").Ok>} ask
 * @returns {Promise<Synced[]>}
 */
export async function conversations(ask) {
  /** @type {Synced[]} */
  const all = [];
  for (let cursor; ; ) {
    const page = await ask({ t: "chat.sync", limit: SYNC_CONVERSATIONS, ...(cursor && { cursor }) });
    all.push(...page.convs);
    cursor = page.cursor;
    if (!page.more || !cursor) return all;
  }
}
