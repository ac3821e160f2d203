/**
 * Where a reader stands in conversations: each message once, in the order of its seq. Pure.
 *
 * Deliveries are hints: they get lost, come twice, come early, or stay away while only a head says that
 * there was something. What a pull brings is what is stored. A message that comes early is held for a
 * moment; then the gap before it is pulled. Where a seq turns out to be another message than it was, the
 * store went back: the tail is read again as far as it is remembered.
 *
 * Times are milliseconds of any clock that does not go back, passed in.
 *
 * @typedef {import("./protocol.js").Chat} Chat
 * @typedef {{conv: string, messages: Chat[], last_seq: number, more?: boolean, complete?: boolean, error?: string}} Pulled
 * @typedef {{conv: string, after: number}} Gap
 */

import { RETRYABLE } from "./protocol.js";

export const HOLD_MS = 100; // that an early message waits for those before it
export const AGAIN_MS = 1000; // before what could not be pulled is pulled again
export const MOST_PULL = 100; // conversations in one pull
const MOST_HELD = 1000; // early messages of one conversation; others are pulled
const REMEMBERED = 256; // of the messages shown last it is known which they were

/** One conversation, read up to `position`. `missed` counts what is no longer kept anywhere. */
export class ConversationReader {
  missed = 0;
  /** When to pull; null while nothing is known to be missing. @type {number | null} */
  due = null;
  #head;
  #askedHead;
  /** What is shown may not be what is stored: pull, and see. */
  #isDoubtful = false;
  /** @type {Map<number, Chat>} */
  #held = new Map();
  /** The latest, oldest first. @type {Map<number, Chat>} */
  #shown = new Map();

  constructor(position = 0) {
    this.position = position;
    this.#head = this.#askedHead = position;
  }

  /** A delivery; what can be shown now. @param {Chat} message @param {number} now @returns {Chat[]} */
  take(message, now) {
    if (message.seq <= this.position) {
      if (this.#contradicts(message)) this.#readTailAgain(now);
      return [];
    }
    const held = this.#held.get(message.seq);
    if (held !== undefined && !isSame(held, message)) {
      this.#held.delete(message.seq); // one of the two is not what is stored; a pull will tell
    } else if (this.#held.size < MOST_HELD || message.seq === this.position + 1) {
      this.#held.set(message.seq, message);
    }
    this.hear(message.seq, now);
    return this.#goOn(now);
  }

  /** The conversation is known to go up to `lastSeq` at least. @param {number} lastSeq @param {number} now */
  hear(lastSeq, now) {
    this.#head = Math.max(this.#head, lastSeq);
    this.#look(now);
  }

  /**
   * What the store said its end is. Below what was heard of it may be old news: a pull decides.
   * @param {number} lastSeq @param {Chat | null} last @param {number} now
   */
  synced(lastSeq, last, now) {
    if (lastSeq < this.#head || (last !== null && this.#contradicts(last))) this.#readTailAgain(now, lastSeq);
    this.hear(lastSeq, now);
  }

  /** After which seq to pull now, where that is due. @param {number} now @returns {number | null} */
  ask(now) {
    if (this.due === null || this.due > now) return null;
    this.#askedHead = this.#head;
    return this.position;
  }

  /**
   * What a pull after `after` brought; what can be shown now.
   * @param {number} after @param {Pulled} answer @param {number} now @returns {Chat[]}
   */
  pulled(after, answer, now) {
    if (answer.error !== undefined) return this.#refused(answer.error, now);
    if (answer.last_seq < after) {
      this.#readTailAgain(now, answer.last_seq);
      return [];
    }
    if (after > this.position) { // the tail is being read again since it was asked
      this.due = now;
      return [];
    }
    const before = this.position;
    const shown = [];
    const [first] = answer.messages;
    // With that one this user came: what was said before is not missing.
    if (answer.complete === false && first?.kind === "member") this.#goTo(first.seq - 1);
    for (const message of answer.messages) {
      if (message.seq > this.position) {
        shown.push(...this.#show(message));
      } else if (this.#contradicts(message)) {
        this.#readTailAgain(now);
        return shown;
      }
    }
    if (!answer.more) this.#endAt(answer.last_seq);
    const wentOn = this.position > before;
    this.#head = Math.max(this.#head, answer.last_seq);
    this.#isDoubtful = false;
    this.due = null;
    shown.push(...this.#goOn(now));
    if (this.#isMissing) this.due = now + (!wentOn ? AGAIN_MS : answer.more ? 0 : HOLD_MS);
    return shown;
  }

  /** No answer came; try again after `waitMs`. @param {number} now */
  failed(now, waitMs = AGAIN_MS) {
    this.due = now + waitMs;
  }

  /**
   * Where it cannot be read any more, nothing is missing until something comes again. What came before that
   * is shown: it may tell why.
   * @param {string} error @param {number} now @returns {Chat[]}
   */
  #refused(error, now) {
    if (RETRYABLE.has(error)) {
      this.failed(now);
      return [];
    }
    const held = [...this.#held.values()].sort((one, other) => one.seq - other.seq);
    const shown = held.flatMap((message) => this.#show(message));
    this.#head = this.position;
    this.#isDoubtful = false;
    this.due = null;
    return shown;
  }

  /** Show what is held and has its turn. @param {number} now */
  #goOn(now) {
    const shown = [];
    for (let next = this.#held.get(this.position + 1); next; next = this.#held.get(this.position + 1)) {
      shown.push(...this.#show(next));
      this.due = null; // what was waited for is there; what is missing now is another one
    }
    this.#look(now);
    return shown;
  }

  /** @param {number} now */
  #look(now) {
    if (!this.#isMissing) this.due = null;
    else if (this.due === null) this.due = now + HOLD_MS;
  }

  get #isMissing() {
    return this.#isDoubtful || this.#head > this.position;
  }

  /** @param {Chat} message */
  #show(message) {
    this.#skipTo(message.seq - 1);
    this.position = message.seq;
    this.#held.delete(message.seq);
    const before = this.#shown.get(message.seq);
    this.#shown.delete(message.seq);
    this.#shown.set(message.seq, message);
    if (this.#shown.size > REMEMBERED) this.#shown.delete(/** @type {number} */ (this.#shown.keys().next().value));
    return before !== undefined && isSame(before, message) ? [] : [message];
  }

  /** What lies between is kept nowhere. @param {number} seq */
  #skipTo(seq) {
    if (seq <= this.position) return;
    this.missed += seq - this.position;
    this.#goTo(seq);
  }

  /** @param {number} seq */
  #goTo(seq) {
    this.position = Math.max(this.position, seq);
    for (const held of [...this.#held.keys()]) if (held <= this.position) this.#held.delete(held);
  }

  /** All until there was given. What was heard of behind it before that was asked is not there. @param {number} lastSeq */
  #endAt(lastSeq) {
    this.#skipTo(lastSeq);
    if (this.#head === this.#askedHead) {
      this.#held.clear();
      this.#head = lastSeq;
    }
  }

  /** @param {Chat} message */
  #contradicts(message) {
    const shown = this.#shown.get(message.seq);
    return shown !== undefined && !isSame(shown, message);
  }

  /** The store went back: what it holds at the end is not what was shown. @param {number} now */
  #readTailAgain(now, lastSeq = this.position) {
    const known = Math.min(...this.#shown.keys(), this.position + 1) - 1;
    this.position = Math.min(known, this.position, lastSeq);
    this.#held.clear();
    this.#head = this.position;
    this.#isDoubtful = true;
    this.due = now;
  }
}

/** All conversations of a user. One that was not begun is read from its beginning. */
export class ChatReader {
  /** @type {Map<string, ConversationReader>} */
  #readers;
  /** Those that may have something to pull; who was asked last comes last. @type {Set<string>} */
  #late = new Set();

  /** @param {Record<string, number>} positions up to where they were read before */
  constructor(positions = {}) {
    this.#readers = new Map(Object.entries(positions).map(([conv, seq]) => [conv, new ConversationReader(seq)]));
  }

  /** Up to where each is read. @returns {Record<string, number>} */
  get positions() {
    return Object.fromEntries([...this.#readers].map(([conv, reader]) => [conv, reader.position]));
  }

  /** So many messages are kept nowhere any more. */
  get missed() {
    return [...this.#readers.values()].reduce((sum, reader) => sum + reader.missed, 0);
  }

  /** When to ask for gaps; null while there are none. */
  get due() {
    let soonest = null;
    for (const conv of this.#late) {
      const due = this.#reader(conv).due;
      if (due !== null && (soonest === null || due < soonest)) soonest = due;
    }
    return soonest;
  }

  /** A conversation that is not known yet is read from after `position` on. @param {string} conv @param {number} position */
  begin(conv, position) {
    if (!this.#readers.has(conv)) this.#readers.set(conv, new ConversationReader(position));
  }

  /** @param {string} conv */
  knows(conv) {
    return this.#readers.has(conv);
  }

  /** @param {Chat} message @param {number} now */
  take(message, now) {
    return this.#with(message.conv, (reader) => reader.take(message, now));
  }

  /** @param {Record<string, number>} heads @param {number} now */
  heads(heads, now) {
    for (const [conv, lastSeq] of Object.entries(heads)) this.#with(conv, (reader) => reader.hear(lastSeq, now));
  }

  /** @param {string} conv @param {number} lastSeq @param {Chat | null} last @param {number} now */
  synced(conv, lastSeq, last, now) {
    this.#with(conv, (reader) => reader.synced(lastSeq, last, now));
  }

  /** What one pull should ask for; no more conversations than it may name. @param {number} now @returns {Gap[]} */
  gaps(now, most = MOST_PULL) {
    const gaps = [];
    for (const conv of this.#late) {
      /** @type {number | null} */
      const after = gaps.length < most ? this.#reader(conv).ask(now) : null;
      if (after !== null) gaps.push({ conv, after });
    }
    return gaps;
  }

  /**
   * What came of asking for `gaps`; a conversation that is not answered is asked for again.
   * @param {Gap[]} gaps @param {Pulled[]} answers @param {number} now @returns {Chat[]}
   */
  pulled(gaps, answers, now) {
    const given = new Map(answers.map((answer) => [answer.conv, answer]));
    return gaps.flatMap(({ conv, after }) => this.#with(conv, (reader) => {
      const answer = given.get(conv);
      if (answer !== undefined) return reader.pulled(after, answer, now);
      reader.failed(now);
      return [];
    }));
  }

  /** @param {Gap[]} gaps @param {number} now @param {number} waitMs */
  failed(gaps, now, waitMs) {
    for (const { conv } of gaps) this.#reader(conv).failed(now, waitMs);
  }

  /** @param {string} conv */
  #reader(conv) {
    this.begin(conv, 0);
    return /** @type {ConversationReader} */ (this.#readers.get(conv));
  }

  /** @template T @param {string} conv @param {(reader: ConversationReader) => T} act */
  #with(conv, act) {
    const reader = this.#reader(conv);
    const result = act(reader);
    this.#late.delete(conv);
    if (reader.due !== null) this.#late.add(conv); // behind the others: all have their turn
    return result;
  }
}

/** Whether they are one message; what was recalled meanwhile still is. @param {Chat} one @param {Chat} other */
function isSame(one, other) {
  if (one.kind === "gone" || other.kind === "gone") return true;
  return one.from === other.from && one.cid === other.cid;
}
