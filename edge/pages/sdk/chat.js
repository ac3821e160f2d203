/**
 * Private and group conversations, as `client.chat`, for who is logged in.
 *
 * @typedef {import("./connection.js").Connection} Connection
 * @typedef {import("./messages.js").Message} Message
 * @typedef {import("./protocol.js").Part} Part
 * @typedef {import("./protocol.js").Refusal} Refusal
 * @typedef {import("./speaking.js").Said} Said
 * @typedef {object} Conversation where the user stands in one
 * @property {string} conv @property {number} lastSeq @property {number} readSeq
 * @property {number} unread @property {number} mentions how many of the unread mention the user, or all
 * @property {Message | null} last
 * @property {string} name @property {string} role of a group, and of the user in it
 * @property {number} otherReadSeq how far the other one of a private conversation has read
 * @typedef {object} Page messages in order
 * @property {Message[]} messages @property {number} lastSeq @property {boolean} more
 * @property {boolean} isComplete false: something before the first is no longer kept, or not to be seen
 * @property {string} error the name of the refusal where the conversation cannot be read, else ""
 */

import { Messages, readMessage } from "./messages.js";
import { Speaking } from "./speaking.js";

/** Conversations are `p:<uid>:<uid>` with another user, and `g:<gid>` in a group. Calls throw Refusal. */
export class Chat {
  #connection;
  #timing;
  #random;
  #listens;
  #speaking;
  /** @type {Set<Messages>} */
  #streams = new Set();
  /** Why there is no more of it; undefined while there is. @type {Refusal | null | undefined} */
  #over;

  /**
   * @param {Connection} connection @param {import("./pace.js").Timing} timing @param {() => number} random
   * @param {boolean} listens whether the service tells this client what is said
   */
  constructor(connection, timing, random, listens) {
    this.#connection = connection;
    this.#timing = timing;
    this.#random = random;
    this.#listens = listens;
    this.#speaking = new Speaking(connection, timing, random);
  }

  /**
   * All that is said in the user's conversations, this user's own messages included. `since`: `positions` of an earlier
   * time; a conversation that it does not name is read from its beginning. Without, it begins with what is not read yet.
   * Close it when it is no longer read.
   * @param {{since?: Record<string, number> | null, buffer?: number}} [how] @returns {Messages}
   */
  messages({ since = null, buffer = 1000 } = {}) {
    if (!this.#listens) throw new TypeError("nothing comes by itself to this client: make it with { chat: true }");
    const ended = () => void this.#streams.delete(stream);
    const stream = new Messages(this.#connection, this.#timing, this.#random, since, buffer, ended);
    if (this.#over !== undefined) {
      stream.end(this.#over);
      return stream;
    }
    this.#streams.add(stream);
    stream.resync();
    return stream;
  }

  /**
   * Say something to a user (a uid) or in a conversation; returns once it is stored. It is stored once, however often it
   * is said under the same `cid`, and in the order in which it was said to this target.
   * @param {string} target @param {string | Part[]} body
   * @param {{mention?: string[] | "all" | null, cid?: string, timeoutMs?: number}} [how]
   * @returns {Promise<Said>} @throws {Refusal}
   */
  send(target, body, how) {
    return this.#speaking.send(target, typeof body === "string" ? [{ type: "text", text: body }] : body, how);
  }

  /**
   * Take a message back. What is answered is the recall, which is a message itself.
   * @param {string} conv @param {number} seq @param {{timeoutMs?: number}} [how] @returns {Promise<Said>} @throws {Refusal}
   */
  recall(conv, seq, { timeoutMs } = {}) {
    return this.#speaking.recall(conv, seq, timeoutMs);
  }

  /**
   * All up to `seq` was read.
   * @param {string} conv @param {number} seq @param {{timeoutMs?: number}} [how]
   * @returns {Promise<number>} where the user stands now: that never goes back @throws {Refusal}
   */
  read(conv, seq, { timeoutMs } = {}) {
    return this.#speaking.read(conv, seq, timeoutMs);
  }

  /** Tell the others that the user is writing. Harmless when it gets lost, so that is not told. @param {string} conv */
  typing(conv) {
    this.#speaking.typing(conv);
  }

  /** All conversations of the user. @param {{timeoutMs?: number}} [how] @returns {Promise<Conversation[]>} @throws {Refusal} */
  async sync({ timeoutMs } = {}) {
    return (await this.#speaking.sync(timeoutMs)).map((one) => ({
      conv: one.conv,
      lastSeq: one.last_seq,
      readSeq: one.read_seq,
      unread: one.unread,
      mentions: one.mentions ?? 0,
      last: one.last ? readMessage(one.last) : null,
      name: one.name ?? "",
      role: one.role ?? "",
      otherReadSeq: one.other_read_seq ?? 0,
    }));
  }

  /**
   * Of each conversation the messages after a seq. Does not touch what `messages` gives.
   * @param {Record<string, number>} after of at most 100 conversations
   * @param {{limit?: number, timeoutMs?: number}} [how] `limit` messages of each
   * @returns {Promise<Record<string, Page>>} @throws {Refusal}
   */
  async pull(after, { limit, timeoutMs } = {}) {
    const convs = Object.entries(after).map(([conv, seq]) => ({ conv, after: seq, ...(limit !== undefined && { limit }) }));
    const pages = (await this.#speaking.pull(convs, timeoutMs)).map((one) => [one.conv, {
      messages: (one.messages ?? []).map(readMessage),
      lastSeq: one.last_seq ?? 0,
      more: one.more ?? false,
      isComplete: one.complete ?? true,
      error: one.error ?? "",
    }]);
    return Object.fromEntries(pages);
  }

  // For the Client.

  /** @param {import("./protocol.js").Chat | import("./protocol.js").Head} frame */
  take(frame) {
    for (const stream of this.#streams) stream.take(frame);
  }

  resync() {
    for (const stream of this.#streams) stream.resync();
  }

  lost() {
    for (const stream of this.#streams) stream.lost();
  }

  /** @param {Refusal | null} refusal */
  end(refusal) {
    this.#over = refusal;
    for (const stream of [...this.#streams]) stream.end(refusal);
  }
}
