/**
 * What is known of the user's conversations: names, last messages, what is unread. Pure.
 *
 * @typedef {import("../sdk/protocol.js").Chat} Chat
 * @typedef {import("../sdk/protocol.js").Part} Part
 * @typedef {{conv: string, last_seq: number, read_seq: number, unread: number, mentions?: number, last?: Chat,
 *   name?: string, role?: string, other_read_seq?: number}} Synced
 * @typedef {object} Conversation
 * @property {string} conv
 * @property {string} name of the group, or the other user
 * @property {boolean} isGroup
 * @property {string} role in the group
 * @property {number} lastSeq
 * @property {number} readSeq up to which this user has read
 * @property {number} otherRead up to which the other one of a private conversation is known to have read
 * @property {number} unread messages of others @property {number} mentions those that mention this user, or all
 * @property {number} countedTo messages up to this seq are in `unread` already
 * @property {Chat | null} last
 * @property {string} over why nothing can be said in it any more; while something can: ""
 * @property {boolean} isGone not the user's any more: it stays while it is looked at
 */

import { knows, t } from "../shared/language.js";
import { changeInWords, over, sendsAway } from "./changes.js";

const GIST = 80; // characters of the last message in the list

export class Inbox {
  /** @type {Map<string, Conversation>} */
  #all = new Map();

  /** @param {string} me the user's own id */
  constructor(me) {
    this.me = me;
  }

  /** The one in which something was said last comes first. @returns {Conversation[]} */
  get list() {
    return [...this.#all.values()].sort((a, b) => (b.last?.at ?? 0) - (a.last?.at ?? 0) || (a.conv < b.conv ? -1 : 1));
  }

  get unread() {
    return this.list.reduce((sum, one) => sum + one.unread, 0);
  }

  /** @param {string} conv */
  find(conv) {
    return this.#all.get(conv);
  }

  /** One that nothing may have been said in yet. @param {string} conv @returns {Conversation} */
  open(conv) {
    let found = this.#all.get(conv);
    if (found === undefined) {
      const isGroup = conv.startsWith("g:");
      const name = isGroup ? conv.slice(2) : otherOf(conv, this.me);
      found = {
        conv, name, isGroup, role: "", lastSeq: 0, readSeq: 0, otherRead: 0, unread: 0, mentions: 0, countedTo: 0,
        last: null, over: "", isGone: false,
      };
      this.#all.set(conv, found);
    }
    return found;
  }

  /** What the service knows of all of them; those it does not name are no longer the user's. @param {Synced[]} all @param {string} present the open one */
  synced(all, present = "") {
    const named = new Set(all.map((one) => one.conv));
    for (const [conv, known] of this.#all) {
      if (known.lastSeq === 0 || named.has(conv)) continue;
      if (conv !== present) this.#all.delete(conv);
      else if (!known.isGone) Object.assign(known, { isGone: true, over: t("over.gone", { name: known.name }) });
    }
    for (const one of all) {
      const known = this.open(one.conv);
      if (known.isGone && one.last_seq > known.lastSeq) Object.assign(known, { isGone: false, over: "" }); // let in again
      if (known.isGroup) known.name = one.name || known.name;
      known.role = one.role ?? "";
      known.lastSeq = known.countedTo = one.last_seq;
      known.readSeq = Math.max(known.readSeq, one.read_seq);
      known.otherRead = Math.max(known.otherRead, one.other_read_seq ?? 0);
      const isReadHere = known.readSeq >= one.last_seq;
      known.unread = isReadHere ? 0 : one.unread;
      known.mentions = isReadHere ? 0 : one.mentions ?? 0;
      known.last = one.last ?? known.last;
    }
  }

  /** A message whose turn it is. @param {Chat} message */
  shown(message) {
    if (!this.#all.has(message.conv) && sendsAway(message, this.me)) return;
    const known = this.open(message.conv);
    known.lastSeq = Math.max(known.lastSeq, message.seq);
    if (message.seq >= (known.last?.seq ?? 0)) known.last = message;
    if (message.kind === "member" && message.change?.verb === "rename") known.name = String(message.change.name);
    Object.assign(known, over(message, this.me, known.name));
    if (message.seq <= known.countedTo) return;
    known.countedTo = message.seq;
    if (message.kind !== "message" || message.from === this.me || message.seq <= known.readSeq) return;
    known.unread += 1;
    if (mentions(message, this.me)) known.mentions += 1;
  }

  /** @param {string} conv that is no longer the user's */
  drop(conv) {
    this.#all.delete(conv);
  }

  /** Somebody has read up to `seq`. @param {string} conv @param {string} uid @param {number} seq */
  read(conv, uid, seq) {
    const known = this.#all.get(conv);
    if (known === undefined) return;
    if (uid !== this.me) {
      known.otherRead = Math.max(known.otherRead, seq);
    } else if (seq > known.readSeq) {
      known.readSeq = seq;
      if (seq >= known.lastSeq) known.unread = known.mentions = 0;
    }
  }
}

/** The private conversation of two users: the lower id first. @param {string} one @param {string} other */
export function privately(one, other) {
  return one < other ? `p:${one}:${other}` : `p:${other}:${one}`;
}

/** Whether this may be a conversation of the user. @param {string} conv @param {string} me */
export function isOwn(conv, me) {
  const [, one, other] = /^p:([A-Za-z0-9_-]{1,64}):([A-Za-z0-9_-]{1,64})$/.exec(conv) ?? [];
  if (one !== undefined) return one < other && (one === me || other === me);
  return /^g:[A-Za-z0-9_-]{1,64}$/.test(conv);
}

/** @param {string} conv @param {string} me */
function otherOf(conv, me) {
  const [, one, other] = conv.split(":");
  return one === me ? other : one;
}

/** @param {Chat} message @param {string} uid */
export function mentions(message, uid) {
  return message.mention === "all" || (Array.isArray(message.mention) && message.mention.includes(uid));
}

/**
 * Whom a text names with `@`: some of `known`, or all.
 * @param {string} text @param {string[]} known @returns {string[] | "all" | null}
 */
export function mentioned(text, known) {
  const named = new Set(Array.from(text.matchAll(/(?<![A-Za-z0-9_-])@([A-Za-z0-9_-]{1,64})/g), (found) => found[1]));
  if (named.has("all")) return "all";
  const uids = known.filter((uid) => named.has(uid)).slice(0, 100);
  return uids.length > 0 ? uids : null;
}

/** An address that may be shown or followed; null for any other. @param {unknown} value @returns {URL | null} */
export function webAddress(value) {
  try {
    const url = new URL(String(value));
    const isWeb = url.protocol === "http:" || url.protocol === "https:";
    return isWeb && url.href.length <= 2048 ? url : null;
  } catch {
    return null;
  }
}

/** A message in a few words, for the list. @param {Chat | null} message @param {string} me */
export function gist(message, me) {
  if (message === null) return "";
  const who = message.from === me ? t("gist.you") : message.from ?? "";
  switch (message.kind) {
    case "message": {
      const words = (message.body ?? []).map((part) => (part.type === "text" ? String(part.text) : kindOf(part.type)));
      return t("gist", { who, words: Array.from(words.join(" ")).slice(0, GIST).join("") });
    }
    case "recall":
      return t("gist.recall", { who });
    case "member":
      return changeInWords(message.from ?? "", message.change ?? {});
    case "gone":
      return t("gone");
    default:
      return "";
  }
}

/** @param {string} type of a part */
function kindOf(type) {
  const key = `gist.${type}`;
  return t(knows(key) ? key : "gist.other");
}
