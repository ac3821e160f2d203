/**
 * What one can do in conversations. Calls are made again while the outcome is unknown: all of them may be.
 *
 * @typedef {import("./connection.js").Connection} Connection
 * @typedef {import("./conversations.js").Pulled} Pulled
 * @typedef {import("./protocol.js").Chat} Message
 * @typedef {import("./protocol.js").Ok} Ok
 * @typedef {import("./protocol.js").Part} Part
 * @typedef {import("./protocol.js").Synced} Synced
 * @typedef {{conv: string, seq: number, at: number, cid: string, isDuplicate: boolean}} Said stored as number `seq`
 */

import { asOneUser, untilAnswered } from "./asking.js";
import { conversations } from "./following.js";
import { sleep } from "./pace.js";
import { newId, Refusal } from "./protocol.js";

export class Speaking {
  #connection;
  #timing;
  #random;
  /** What was said last to each target that is not answered yet. @type {Map<string, Promise<unknown>>} */
  #turns = new Map();

  /** @param {Connection} connection @param {import("./pace.js").Timing} timing @param {() => number} random */
  constructor(connection, timing, random) {
    this.#connection = connection;
    this.#timing = timing;
    this.#random = random;
  }

  /**
   * Say something to a user (a uid) or in a conversation; returns once it is stored. It is stored once, however often it
   * is said under the same `cid`, and in the order in which it was said to this target.
   * @param {string} target @param {Part[]} body
   * @param {{mention?: string[] | "all" | null, cid?: string, timeoutMs?: number}} [how]
   * @returns {Promise<Said>} @throws {Refusal}
   */
  async send(target, body, { mention = null, cid = newId(), timeoutMs = this.#timing.answer } = {}) {
    const whom = target.includes(":") ? { conv: target } : { to: target };
    const end = performance.now() + timeoutMs;
    const before = this.#turns.get(target);
    const saying = (async () => {
      if (before !== undefined) await untilOver(before, timeoutMs);
      const left = end - performance.now();
      if (left <= 0) throw new Refusal("timeout", "those before it wait for their answer");
      return await this.ask({ t: "chat.send", ...whom, body, cid, ...(mention && { mention }) }, left);
    })();
    this.#turns.set(target, saying);
    try {
      return said(await saying, cid);
    } finally {
      if (this.#turns.get(target) === saying) this.#turns.delete(target);
    }
  }

  /**
   * Take a message back. What is answered is the recall, which is a message itself.
   * @param {string} conv @param {number} seq @param {number} [timeoutMs] @returns {Promise<Said>} @throws {Refusal}
   */
  async recall(conv, seq, timeoutMs) {
    return said(await this.ask({ t: "chat.recall", conv, seq }, timeoutMs), "");
  }

  /**
   * All up to `seq` was read.
   * @param {string} conv @param {number} seq @param {number} [timeoutMs]
   * @returns {Promise<number>} where the user stands now: that never goes back @throws {Refusal}
   */
  async read(conv, seq, timeoutMs) {
    return (await this.ask({ t: "chat.read", conv, seq }, timeoutMs)).read_seq ?? seq;
  }

  /** Tell the others that the user is writing. Harmless when it gets lost, so that is not told. @param {string} conv */
  typing(conv) {
    this.#connection.ask({ t: "chat.typing", conv }).catch(() => {});
  }

  /** All conversations of the user. @param {number} [timeoutMs] @returns {Promise<Synced[]>} @throws {Refusal} */
  sync(timeoutMs) {
    return conversations((frame) => this.ask(frame, timeoutMs));
  }

  /**
   * Of each conversation what comes after a seq.
   * @param {{conv: string, after: number, limit?: number}[]} convs at most 100 @param {number} [timeoutMs]
   * @returns {Promise<Pulled[]>} @throws {Refusal}
   */
  async pull(convs, timeoutMs) {
    return (await this.ask({ t: "chat.pull", convs }, timeoutMs)).results;
  }

  /**
   * What was said after `after` up to `until`, where it is kept.
   * @param {string} conv @param {number} after @param {number} until @returns {Promise<Message[]>} @throws {Refusal}
   */
  async page(conv, after, until) {
    /** @type {Message[]} */
    const found = [];
    for (let from = after; from < until; ) {
      const [answer] = await this.pull([{ conv, after: from, limit: until - from }]);
      if (answer.error !== undefined) throw new Refusal(answer.error, `this cannot be read: ${answer.error}`);
      found.push(...answer.messages);
      if (!answer.more || answer.messages.length === 0) break;
      from = answer.messages[answer.messages.length - 1].seq;
    }
    return found;
  }

  /** @param {{t: string} & Record<string, any>} frame @param {number} [timeoutMs] @returns {Promise<Ok>} @throws {Refusal} */
  ask(frame, timeoutMs = this.#timing.answer) {
    const ask = (/** @type {number} */ leftMs) => this.#connection.ask(frame, leftMs);
    return untilAnswered(asOneUser(this.#connection, (late) => this.#connection.linked(late)), ask, timeoutMs, this.#random);
  }
}

/** Whatever comes of it, and no longer than that. @param {Promise<unknown>} one @param {number} ms */
async function untilOver(one, ms) {
  const over = new AbortController();
  const ended = one.catch(() => {}).finally(() => over.abort());
  await Promise.race([ended, sleep(ms, over.signal)]);
}

/** @param {Ok} ok @param {string} cid @returns {Said} */
function said({ conv, seq, at, duplicate = false }, cid) {
  return { conv, seq, at, cid, isDuplicate: duplicate };
}
