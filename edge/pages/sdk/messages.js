/**
 * The messages of all conversations, as one stream: each once, and in the order of its conversation.
 *
 * @typedef {import("./connection.js").Connection} Connection
 * @typedef {import("./protocol.js").Chat} Frame
 * @typedef {import("./protocol.js").Part} Part
 * @typedef {"message" | "recall" | "member" | "gone"} Kind
 * @typedef {object} Message number `seq` of a conversation
 * @property {Kind} kind `recall` of number `of`; `member`: `change` tells what changed in a group; `gone` stands in
 *   the place of what was recalled, and has neither `uid` nor `at`
 * @property {string} conv @property {number} seq @property {number} at when it was stored, in ms since 1970
 * @property {string} uid whose it is @property {string} cid
 * @property {Part[]} body @property {string} text the text parts of it, one a line
 * @property {string[] | "all" | null} mention @property {number | null} of @property {Record<string, any> | null} change
 */

import { ChatReader } from "./conversations.js";
import { Following } from "./following.js";
import { Inbox } from "./inbox.js";

/**
 * For `for await`, or for callbacks with `on`. What was missed, while the connection was lost or before it was made, is
 * read back. A reader that is too slow loses nothing: what comes while `buffer` messages wait is pulled later.
 */
export class Messages {
  /** @type {Inbox<Message>} */
  #inbox;
  #reader;
  #following;
  #isFromUnread;
  #ended;

  /**
   * @param {Connection} connection @param {import("./pace.js").Timing} timing @param {() => number} random
   * @param {Record<string, number> | null} since `positions` of an earlier time @param {number} buffer
   * @param {() => void} ended
   */
  constructor(connection, timing, random, since, buffer, ended) {
    this.#ended = ended;
    this.#isFromUnread = since === null; // where each conversation begins is not known before it was asked
    this.#reader = new ChatReader(since ?? {});
    this.#following = new Following(connection, this.#reader, {
      begin: (one) => (this.#isFromUnread ? one.read_seq : 0),
      isBegun: () => !this.#isFromUnread,
      isFull: () => this.#inbox.length >= buffer,
      synced: () => (this.#isFromUnread = false), // what is new from now on is read from its beginning
      shown: (frames) => frames.forEach((frame) => this.#inbox.put(readMessage(frame))),
      refused: (refusal) => this.end(refusal),
    }, timing, { random });
    this.#inbox = new Inbox(Infinity, () => this.#inbox.length === buffer - 1 && this.#following.plan());
  }

  /**
   * Up to which number each conversation was read here: keep them, and give them to `chat.messages` as `since`
   * another time.
   * @returns {Record<string, number>}
   */
  get positions() {
    const positions = this.#reader.positions;
    for (const message of this.#inbox.waiting.reverse()) positions[message.conv] = message.seq - 1;
    return positions;
  }

  /** So many messages are kept nowhere any more. */
  get missed() {
    return this.#reader.missed;
  }

  [Symbol.asyncIterator]() {
    return this.#inbox[Symbol.asyncIterator]();
  }

  /**
   * Call `act` with each message of this kind; with "item": with each; with "end": when nothing more comes, with the
   * Refusal that says why, or null.
   * @param {Kind | "item" | "end"} kind @param {(given: any) => void} act
   * @returns {() => void} no longer
   */
  on(kind, act) {
    return this.#inbox.on(kind, act);
  }

  /** Nothing more comes in; iteration stops once what is there was read. */
  close() {
    this.end(null);
  }

  // For Chat.

  /** @param {Frame | import("./protocol.js").Head} frame */
  take(frame) {
    this.#following.take(frame);
  }

  resync() {
    this.#following.resync();
  }

  lost() {
    this.#following.lost();
  }

  /** @param {import("./protocol.js").Refusal | null} refusal */
  end(refusal) {
    this.#following.end();
    this.#inbox.end(refusal);
    this.#ended();
  }
}

/** A `chat` frame as a value for people. @param {Frame} frame @returns {Message} */
export function readMessage({ kind, conv, seq, at = 0, from = "", cid = "", body, mention, of, change }) {
  const parts = Array.isArray(body) ? body : [];
  const texts = parts.filter((part) => part?.type === "text").map((part) => String(part.text ?? ""));
  return {
    kind: /** @type {Kind} */ (kind), conv, seq, at, uid: from, cid, body: parts, text: texts.join("\n"),
    mention: mention ?? null, of: of ?? null, change: change ?? null,
  };
}
