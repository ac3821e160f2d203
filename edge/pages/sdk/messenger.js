/**
 * Conversations for a page that lists all and shows one: tells where each stands, and what is said from now on.
 *
 * What was said before is read page by page, when somebody looks at it.
 *
 * @typedef {import("./connection.js").Connection} Connection
 * @typedef {import("./protocol.js").Chat} Message
 * @typedef {import("./protocol.js").Part} Part
 * @typedef {import("./protocol.js").ServerFrame} ServerFrame
 * @typedef {import("./protocol.js").Synced} Synced
 * @typedef {import("./pace.js").Timing} Timing
 * @typedef {object} Audience
 * @property {(all: Synced[]) => void} synced the list of conversations, after each connect
 * @property {(messages: Message[]) => void} shown once each, and each conversation's in order
 * @property {(refusal: import("./protocol.js").Refusal) => void} refused chat cannot be had
 */

import { ChatReader } from "./conversations.js";
import { Following } from "./following.js";
import { newId } from "./protocol.js";
import { Speaking } from "./speaking.js";

export class Messenger {
  #audience;
  #now;
  #following;
  #speaking;

  /**
   * @param {Connection} connection @param {Audience} audience @param {Timing} timing
   * @param {{random?: () => number, now?: () => number}} [chance]
   */
  constructor(connection, audience, timing, { random = Math.random, now = () => performance.now() } = {}) {
    this.#audience = audience;
    this.#now = now;
    const reader = new ChatReader();
    this.#following = new Following(connection, reader, {
      begin: (one) => one.last_seq,
      isBegun: (conv) => reader.knows(conv),
      isFull: () => false,
      ...audience,
    }, timing, { random, now });
    this.#speaking = new Speaking(connection, timing, random);
  }

  /** There is a connection, or something may have been said that nobody was told of. */
  resync() {
    this.#following.resync();
  }

  /** The connection is gone; `resync` over the next one. */
  lost() {
    this.#following.lost();
  }

  /** @param {ServerFrame} frame */
  take(frame) {
    if (frame.t === "chat" || frame.t === "head") this.#following.take(frame);
  }

  /**
   * Say something, and show it; returns once it is stored.
   * @param {string} me @param {string} conv @param {Part[]} body @param {string[] | "all" | null} mention
   * @param {string} [cid] the same one where it is said again, as nobody answered
   * @throws {import("./protocol.js").Refusal}
   */
  async send(me, conv, body, mention, cid = newId()) {
    const { seq, at } = await this.#speaking.send(conv, body, { mention, cid });
    /** @type {Message} */
    const message = { t: "chat", conv, seq, at, from: me, kind: "message", cid, body, ...(mention && { mention }) };
    const { reader } = this.#following;
    reader.begin(conv, seq - 1);
    const shown = reader.take(message, this.#now());
    if (shown.length > 0) this.#audience.shown(shown);
    this.#following.plan();
  }

  /** Take a message back. @param {string} conv @param {number} seq @throws {import("./protocol.js").Refusal} */
  async recall(conv, seq) {
    const recall = await this.#speaking.recall(conv, seq);
    this.#following.take({ t: "head", heads: { [conv]: recall.seq } });
  }

  /**
   * All up to `seq` was read.
   * @param {string} conv @param {number} seq @returns {Promise<number>} up to where @throws {import("./protocol.js").Refusal}
   */
  read(conv, seq) {
    return this.#speaking.read(conv, seq);
  }

  /** Harmless when it gets lost. @param {string} conv */
  typing(conv) {
    this.#speaking.typing(conv);
  }

  /**
   * What was said after `after` up to `until`, where it is kept.
   * @param {string} conv @param {number} after @param {number} until @returns {Promise<Message[]>}
   * @throws {import("./protocol.js").Refusal}
   */
  page(conv, after, until) {
    return this.#speaking.page(conv, after, until);
  }
}
