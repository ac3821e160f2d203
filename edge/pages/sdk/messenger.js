/**
 * Conversations over a connection: syncs after each connect, pulls what is missing, sends.
 *
 * @typedef {import("./connection.js").Connection} Connection
 * @typedef {import("./protocol.js").Ok} Ok
 * @typedef {import("./protocol.js").Chat} Chat
 * @typedef {import("./protocol.js").Part} Part
 * @typedef {import("./protocol.js").ServerFrame} ServerFrame
 * @typedef {import("../chat/inbox.js").Synced} Synced
 * @typedef {import("./conversations.js").Pulled} Pulled
 * @typedef {import("./pace.js").Timing} Timing
 * @typedef {object} Audience
 * @property {(all: Synced[]) => void} synced the list of conversations, after each connect
 * @property {(messages: Chat[]) => void} shown once each, and each conversation's in order
 * @property {(refusal: Refusal) => void} refused chat cannot be had
 */

import { Lost } from "./connection.js";
import { ChatReader } from "./conversations.js";
import { sleep } from "./pace.js";
import { newId, Refusal } from "./protocol.js";

const AT_ONE_TIME = 50; // conversations in one pull: their names have to fit in one message
const PULL_MESSAGES = 200;
const SYNC_CONVERSATIONS = 200;
const MOST_WAIT = 15_000;
const RESEND_WAIT = 250;
const UNHEARD = "there is no connection; nobody knows whether this was heard";
const UNDECIDED = new Set(["unavailable", "timeout"]);

export class Messenger {
  #connection;
  #audience;
  #timing;
  #random;
  #now;
  #reader = new ChatReader();
  /** What was said while nobody was connected is not known. */
  #isStale = true;
  #isBusy = false;
  /** Raised whenever the present connection is over. */
  #stay = 0;
  #timer = 0;
  #wait;

  /**
   * @param {Connection} connection @param {Audience} audience @param {Timing} timing
   * @param {{random?: () => number, now?: () => number}} [chance]
   */
  constructor(connection, audience, timing, { random = Math.random, now = () => performance.now() } = {}) {
    this.#connection = connection;
    this.#audience = audience;
    this.#timing = timing;
    this.#random = random;
    this.#now = now;
    this.#wait = timing.firstRetry;
  }

  /** There is a connection, or something may have been said that nobody was told of. */
  resync() {
    this.#isStale = true;
    this.#plan();
  }

  /** The connection is gone; `resync` over the next one. */
  lost() {
    this.#stay += 1;
    this.#isBusy = false;
    this.#isStale = true;
    clearTimeout(this.#timer);
  }

  /** @param {ServerFrame} frame */
  take(frame) {
    if (frame.t === "chat") {
      const message = /** @type {Chat} */ (frame);
      if (!this.#reader.knows(message.conv)) this.resync(); // where to begin is not known
      else this.#show(this.#reader.take(message, this.#now()));
    } else if (frame.t === "head") {
      const heads = Object.entries(/** @type {import("./protocol.js").Head} */ (frame).heads);
      if (heads.some(([conv]) => !this.#reader.knows(conv))) this.#isStale = true;
      this.#reader.heads(Object.fromEntries(heads.filter(([conv]) => this.#reader.knows(conv))), this.#now());
    }
    this.#plan();
  }

  /**
   * Say something; returns once it is stored. While the outcome is unknown it is said again under the same `cid`,
   * and stored once.
   * @param {string} me @param {string} conv @param {Part[]} body @param {string[] | "all" | null} mention
   * @throws {Refusal}
   */
  async send(me, conv, body, mention) {
    const said = { body, cid: newId(), ...(mention && { mention }) };
    const ok = await this.#ask({ t: "chat.send", conv, ...said });
    const message = { t: "chat", conv: ok.conv, seq: ok.seq, at: ok.at, from: me, kind: "message", ...said };
    this.#reader.begin(ok.conv, ok.seq - 1);
    this.#show(this.#reader.take(/** @type {Chat} */ (message), this.#now()));
    this.#plan();
  }

  /** Take a message back. @param {string} conv @param {number} seq @throws {Refusal} */
  async recall(conv, seq) {
    const ok = await this.#ask({ t: "chat.recall", conv, seq });
    this.#reader.heads({ [conv]: ok.seq }, this.#now());
    this.#plan();
  }

  /**
   * All up to `seq` was read.
   * @param {string} conv @param {number} seq @returns {Promise<number>} up to where @throws {Refusal} @throws {Lost}
   */
  async read(conv, seq) {
    return (await this.#connection.ask({ t: "chat.read", conv, seq })).read_seq ?? seq;
  }

  /** Harmless when it gets lost. @param {string} conv */
  typing(conv) {
    this.#connection.ask({ t: "chat.typing", conv }).catch(() => {});
  }

  /**
   * What was said after `after` up to `until`, where it is kept.
   * @param {string} conv @param {number} after @param {number} until @returns {Promise<Chat[]>} @throws {Refusal}
   */
  async page(conv, after, until) {
    /** @type {Chat[]} */
    const found = [];
    for (let from = after; from < until; ) {
      const ok = await this.#ask({ t: "chat.pull", convs: [{ conv, after: from, limit: until - from }] });
      const [answer] = /** @type {Pulled[]} */ (ok.results);
      if (answer.error !== undefined) throw new Refusal(answer.error, `this cannot be read: ${answer.error}`);
      found.push(...answer.messages);
      if (!answer.more || answer.messages.length === 0) break;
      from = answer.messages[answer.messages.length - 1].seq;
    }
    return found;
  }

  /** Whatever is to be done next gets its time. */
  #plan() {
    clearTimeout(this.#timer);
    if (this.#isBusy || !this.#connection.isLive) return;
    const due = this.#isStale ? this.#now() : this.#reader.due;
    if (due !== null) this.#timer = setTimeout(() => void this.#catchUp(), Math.max(0, due - this.#now()));
  }

  async #catchUp() {
    const stay = this.#stay;
    this.#isBusy = true;
    try {
      if (this.#isStale) await this.#sync(stay);
      if (stay === this.#stay) await this.#closeGaps(stay);
      this.#wait = this.#timing.firstRetry;
    } catch (error) {
      if (stay !== this.#stay || error instanceof Lost) return;
      if (!(error instanceof Refusal)) throw error;
      if (!error.retryable) {
        this.#audience.refused(error);
        return;
      }
      await sleep(Math.max(this.#random() * this.#wait, error.retryMs ?? 0));
      this.#wait = Math.min(this.#wait * 2, MOST_WAIT);
    }
    if (stay !== this.#stay) return;
    this.#isBusy = false;
    this.#plan();
  }

  /** @param {number} stay */
  async #sync(stay) {
    this.#isStale = false;
    /** @type {Synced[]} */
    const all = [];
    try {
      for (let cursor; ; ) {
        const ok = await this.#connection.ask({ t: "chat.sync", limit: SYNC_CONVERSATIONS, ...(cursor && { cursor }) });
        all.push(...ok.convs);
        cursor = ok.cursor;
        if (!ok.more || !cursor) break;
      }
    } catch (error) {
      this.#isStale = true;
      throw error;
    }
    if (stay !== this.#stay) return;
    const past = this.#now() - 1000; // what is missing is pulled at once
    for (const { conv, last_seq: lastSeq, last } of all) {
      this.#reader.begin(conv, lastSeq); // what was said before is read when somebody looks at it
      this.#reader.synced(conv, lastSeq, last ?? null, past);
    }
    this.#audience.synced(all);
  }

  /** @param {number} stay */
  async #closeGaps(stay) {
    const gaps = this.#reader.gaps(this.#now(), AT_ONE_TIME);
    if (gaps.length === 0) return;
    try {
      const convs = gaps.map((gap) => ({ ...gap, limit: PULL_MESSAGES }));
      const ok = await this.#connection.ask({ t: "chat.pull", convs });
      if (stay === this.#stay) this.#show(this.#reader.pulled(gaps, ok.results, this.#now()));
    } catch (error) {
      this.#reader.failed(gaps, this.#now(), 0);
      throw error;
    }
  }

  /**
   * Again until it is answered or `timing.answer` is over.
   * @param {{t: string} & Record<string, any>} frame @returns {Promise<Ok>} @throws {Refusal}
   */
  async #ask(frame) {
    const deadline = this.#now() + this.#timing.answer;
    while (true) {
      try {
        return await this.#connection.ask(frame);
      } catch (error) {
        const isUnknown = error instanceof Lost || (error instanceof Refusal && UNDECIDED.has(error.name));
        if (!isUnknown) throw error;
        if (this.#now() >= deadline) throw new Refusal("unavailable", UNHEARD);
        await sleep(RESEND_WAIT * (0.5 + this.#random()));
      }
    }
  }

  /** @param {Chat[]} messages */
  #show(messages) {
    if (messages.length > 0) this.#audience.shown(messages);
  }
}
