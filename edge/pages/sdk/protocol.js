/**
 * The words of the service: frames ↔ text, and what their fields mean to a page.
 *
 * A WebSocket message holds one JSON object per line. What this version does not know is left out,
 * so that a page may be older than its service.
 *
 * @typedef {{epoch: number, seq: number}} Position
 * @typedef {{t: "batch", room: string, epoch: number, seq: number, at: number, items: Item[], prev?: Position}} Batch
 * @typedef {{t: "aside", room: string, at: number, items: Item[]}} Aside
 * @typedef {{t: "skip", room: string, epoch: number, from: number, to: number, prev?: Position}} Skip
 * @typedef {{t: "stats", room: string, epoch: number, seq: number, viewers: number, likes: number, poll?: string, counts?: number[]}} Stats
 * @typedef {{t: "notice", kind: string, room?: string, reason?: string, retry_ms?: number, text?: string}} Notice
 * @typedef {{t: "ok", id: number} & Record<string, any>} Ok
 * @typedef {{t: "err", id: number | null, code: number, error: string, message: string, retry_ms?: number}} Err
 * @typedef {{t: "chat", conv: string, seq: number, kind: string, from?: string, at?: number, cid?: string, body?: Part[], mention?: string[] | "all", of?: number, change?: Record<string, any>}} Chat
 * @typedef {{t: "head", heads: Record<string, number>}} Head
 * @typedef {{t: "read", conv: string, uid: string, seq: number}} Read
 * @typedef {{t: "typing", conv: string, uid: string}} Typing
 * @typedef {{type: string} & Record<string, any>} Part
 * @typedef {{conv: string, last_seq: number, read_seq: number, unread: number, mentions?: number, last?: Chat,
 *   name?: string, role?: string, other_read_seq?: number}} Synced
 * @typedef {Ok | Err | Batch | Aside | Skip | Stats | Notice | Chat | Head | Read | Typing} ServerFrame
 * @typedef {{t: string, id: number} & Record<string, any>} ClientFrame
 * @typedef {{k: string} & Record<string, any>} Item
 * @typedef {"scroll" | "top" | "bottom"} Mode
 * @typedef {{kind: "comment", uid: string, name: string, text: string, mode: Mode, color: number, size: number, role: string}} Comment
 * @typedef {{kind: "announce", uid: string, name: string, text: string, role: string, until: number | null}} Announcement
 * @typedef {{kind: "paid", uid: string, name: string, text: string, amount: number, currency: string, until: number | null}} Paid
 * @typedef {{kind: "poll", id: string, question: string, options: string[], until: number | null}} Poll
 * @typedef {{kind: "poll_closed", id: string, counts: number[]}} PollClosed
 * @typedef {{epoch: number, seq: number, at: number, item: Item}} Pinned
 * @typedef {{kind: "gift", uid: string, name: string, gift: string, count: number, text: string, amount: number | null, currency: string, until: number | null}} Gift where it was paid for, the rest is as of Paid
 * @typedef {{kind: "settings", settings: RoomSettings} | {kind: "title", title: string} | {kind: "opened"} | {kind: "unpinned"} | {kind: "closed", reason: string} | {kind: "gone"} | {kind: "unknown", item: unknown}} Change `item` is what a later version shows
 * @typedef {{kind: "recall", of: Position | null, uid: string, role: string}} Recall takes back one, or all of a user, or all
 * @typedef {Comment | Announcement | Gift | Paid | Poll | PollClosed | Recall | Change} Event
 * @typedef {{slow_s?: number, max_length?: number, guests_may_send?: boolean, staff_only?: boolean,
 *   members_only?: boolean, followers_only?: boolean, emoji_only?: boolean, min_account_s?: number,
 *   unique_s?: number, links?: "show" | "refuse" | "hold", delay_s?: number, review?: boolean}} RoomSettings
 */

export const PROTOCOL = "danmaku.v1.json";
export const WHITE = 0xffffff;
export const NORMAL_SIZE = 25;

const SIZES = { least: 12, most: 64 };
const MODES = new Set(["scroll", "top", "bottom"]);
const STAFF = new Set(["moderator", "streamer", "admin"]);
const ID = /^[A-Za-z0-9_-]{1,64}$/;

/** The refusals whose request may succeed later. */
export const RETRYABLE = new Set([
  "muted", "account_too_new", "duplicate_text", "slow_mode", "rate_limited", "internal", "unavailable", "timeout",
]);

/** The others: until something changes, whatever they say of time. */
export const FINAL = new Set([
  "bad_frame", "bad_id", "empty", "too_long", "blocked_words", "links_not_allowed", "emoji_only", "unauthorized",
  "forbidden", "banned", "members_only", "not_a_member", "blocked", "followers_only", "room_not_found",
  "no_such_conversation", "no_such_message", "no_such_route", "no_such_device", "no_such_poll", "no_such_edge",
  "no_such_version", "method_not_allowed",
  "conflict", "not_joined", "held_for_review", "too_late_to_recall", "group_full", "too_many_devices",
  "needs_restart", "poll_closed", "poll_full", "room_closed", "too_large", "upgrade_required",
]);

/** What a frame of each kind must have to be understood. @type {Record<string, Record<string, string>>} */
const SHAPES = {
  ok: { id: "number" },
  err: { code: "number", error: "string", message: "string" },
  batch: { room: "string", epoch: "number", seq: "number", at: "number", items: "array" },
  aside: { room: "string", at: "number", items: "array" },
  skip: { room: "string", epoch: "number", from: "number", to: "number" },
  stats: { room: "string", epoch: "number", seq: "number", viewers: "number", likes: "number" },
  notice: { kind: "string" },
  chat: { conv: "string", seq: "number", kind: "string" },
  head: { heads: "object" },
  read: { conv: "string", uid: "string", seq: "number" },
  typing: { conv: "string", uid: "string" },
};

/** A request that was answered with no; `retryMs` is set where a later try may succeed. */
export class Refusal extends Error {
  #isOpen;

  /** @param {string} name @param {string} message @param {number | null} retryMs @param {boolean} isOpen an earlier try may have been heard */
  constructor(name, message, retryMs = null, isOpen = false) {
    super(message);
    this.name = name;
    this.retryMs = retryMs;
    this.#isOpen = isOpen;
  }

  get retryable() {
    return RETRYABLE.has(this.name) || (this.retryMs !== null && !FINAL.has(this.name));
  }

  /** Whether nobody knows what came of the request. */
  get isUndecided() {
    return this.#isOpen || this.name === "unavailable" || this.name === "timeout";
  }

  /** @param {Err} frame */
  static of(frame) {
    return new Refusal(frame.error, frame.message, frame.retry_ms ?? null);
  }
}

/** The connection ended before the answer came: nobody knows whether the request was heard. */
export class Lost extends Error {}

/** @param {ClientFrame} frame */
export function encode(frame) {
  return JSON.stringify(frame);
}

/**
 * The frames of one message from the server.
 * @param {string} message
 * @returns {ServerFrame[]}
 * @throws {Error} where it is no JSON, or a frame lacks what its kind must have
 */
export function decode(message) {
  return understood(message.split("\n").filter((line) => line.trim() !== "").map((line) => JSON.parse(line)));
}

/**
 * Of what came those that are frames this version knows.
 * @param {Iterable<any>} frames @returns {ServerFrame[]}
 * @throws {Error} where one lacks what its kind must have
 */
export function understood(frames) {
  const known = [];
  for (const frame of frames) {
    const shape = Object.hasOwn(SHAPES, frame?.t) ? SHAPES[frame.t] : null;
    if (shape === null) continue;
    for (const [field, type] of Object.entries(shape)) {
      if (typeOf(frame[field]) !== type) throw new Error(`a ${frame.t} without a good ${field}`);
    }
    known.push(frame);
  }
  return known;
}

/** Whether it tells what a room shows. @param {ServerFrame} frame @returns {frame is Batch | Aside | Skip | Stats} */
export function isOfRoom(frame) {
  return frame.t === "batch" || frame.t === "aside" || frame.t === "skip" || frame.t === "stats";
}

/** Whether somebody of this role works here. @param {string} role */
export function isStaff(role) {
  return STAFF.has(role);
}

/** Whether this may be the name of a room. @param {string} value */
export function isId(value) {
  return ID.test(value);
}

/** A new id that nobody can guess; also where the page is served without TLS. */
export function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * An item as the page shows it: defaults filled in, anything odd made harmless.
 * @param {Item} item
 * @returns {Event}
 */
export function readItem(item) {
  switch (item?.k) {
    case "c":
      return {
        kind: "comment",
        uid: text(item.uid),
        name: text(item.name),
        text: text(item.text),
        mode: MODES.has(item.mode) ? item.mode : "scroll",
        color: whole(item.color, 0, WHITE, WHITE),
        size: whole(item.size, SIZES.least, SIZES.most, NORMAL_SIZE),
        role: text(item.role),
      };
    case "announce":
      return {
        kind: "announce", uid: text(item.uid), name: text(item.name), text: text(item.text), role: text(item.role),
        until: number(item.until),
      };
    case "unpinned":
      return { kind: "unpinned" };
    case "paid":
      return {
        kind: "paid",
        uid: text(item.uid),
        name: text(item.name),
        text: text(item.text),
        amount: whole(item.amount, 0, Number.MAX_SAFE_INTEGER, 0),
        currency: text(item.currency),
        until: number(item.until),
      };
    case "poll":
      return readPoll(item);
    case "poll_closed":
      return { kind: "poll_closed", id: text(item.id), counts: numbers(item.counts) };
    case "gift":
      return {
        kind: "gift",
        uid: text(item.uid),
        name: text(item.name),
        gift: text(item.gift),
        count: whole(item.count, 1, Number.MAX_SAFE_INTEGER, 1),
        text: text(item.text),
        amount: number(item.amount),
        currency: text(item.currency),
        until: number(item.until),
      };
    case "settings":
      return { kind: "settings", settings: item.settings ?? {} };
    case "title":
      return { kind: "title", title: text(item.title) };
    case "opened":
      return { kind: "opened" };
    case "closed":
      return { kind: "closed", reason: text(item.reason) };
    case "recall":
      return { kind: "recall", of: place(item.of), uid: text(item.uid), role: text(item.role) };
    case "gone":
      return { kind: "gone" };
    default:
      return { kind: "unknown", item };
  }
}

/** A poll, as an item or in the answer to a join. @param {Record<string, any>} poll @returns {Poll} */
export function readPoll(poll) {
  const options = Array.isArray(poll.options) ? poll.options.map(text) : [];
  return { kind: "poll", id: text(poll.id), question: text(poll.question), options, until: number(poll.until) };
}

/** @param {unknown} values @returns {number[]} */
export function numbers(values) {
  return Array.isArray(values) ? values.map((value) => whole(value, 0, Number.MAX_SAFE_INTEGER, 0)) : [];
}

/** @param {unknown} value @returns {number | null} */
function number(value) {
  return Number.isSafeInteger(value) ? Number(value) : null;
}

/** @param {unknown} value */
function typeOf(value) {
  return Array.isArray(value) ? "array" : typeof value;
}

/** @param {any} value @returns {Position | null} */
function place(value) {
  const isPlace = Number.isSafeInteger(value?.epoch) && Number.isSafeInteger(value?.seq);
  return isPlace ? { epoch: value.epoch, seq: value.seq } : null;
}

/** @param {unknown} value */
function text(value) {
  return typeof value === "string" ? value : "";
}

/** @param {unknown} value @param {number} least @param {number} most @param {number} fallback */
function whole(value, least, most, fallback) {
  return Number.isSafeInteger(value) ? Math.min(most, Math.max(least, Number(value))) : fallback;
}
