/**
 * What a room shows, as values for people: each item with its place, and what holds in the room now.
 *
 * @typedef {import("./protocol.js").Event} Event
 * @typedef {import("./protocol.js").Position} Position
 * @typedef {import("./protocol.js").Refusal} Refusal
 * @typedef {import("./protocol.js").RoomSettings} RoomSettings
 * @typedef {{room: string, position: Position, at: number}} Place `at` in ms since 1970 by the service's clock
 * @typedef {Event & Place} Item
 * @typedef {object} Stats the room's totals now; the latest wins
 * @property {"stats"} kind @property {string} room @property {Position} position the room's newest
 * @property {number} viewers @property {number} likes
 * @property {string | null} poll which is open @property {number[] | null} counts the votes for each of its options
 * @typedef {{id: string, question: string, options: string[], counts: number[], until: number | null}} OpenPoll
 */

import { Inbox } from "./inbox.js";
import { numbers, readItem, readPoll } from "./protocol.js";
import { START } from "./reader.js";

/** The audience of a room that is joined for `client.join`. */
export class Showing {
  /** @type {RoomSettings} */
  settings = {};
  /** What the room is called; empty where it has no title. */
  title = "";
  /** Where the room stood at the last join. @type {Position} */
  head = START;
  /** @type {Stats | null} */
  stats = null;
  /** What was in view at the last join. @type {Item[]} */
  pinned = [];
  /** @type {OpenPoll | null} */
  poll = null;
  #room;
  #refused;

  /** @param {string} room @param {number} buffer @param {(refusal: Refusal) => void} refused the room was taken away */
  constructor(room, buffer, refused) {
    this.#room = room;
    this.#refused = refused;
    /** @type {Inbox<Item | Stats>} */
    this.inbox = new Inbox(buffer);
  }

  /** @param {import("./reader.js").Placed[]} placed */
  shown(placed) {
    for (const { position, at, item } of placed) {
      const shown = placeItem(this.#room, position, at, item);
      if (shown.kind === "settings") this.settings = shown.settings;
      else if (shown.kind === "title") this.title = shown.title;
      else if (shown.kind === "poll") this.#open(shown, shown.options.map(() => 0));
      else if (shown.kind === "poll_closed") this.poll = null;
      this.inbox.put(shown);
    }
  }

  /** @param {import("./protocol.js").Stats} frame */
  told({ epoch, seq, viewers, likes, poll = undefined, counts = undefined }) {
    const position = { epoch, seq };
    this.stats = {
      kind: "stats", room: this.#room, position, viewers, likes, poll: poll ?? null, counts: counts ? numbers(counts) : null,
    };
    this.inbox.putLatest(this.stats);
  }

  counted() {}

  /** @param {string} [poll] @param {number[]} [counts] */
  polled(poll, counts) {
    if (this.poll !== null && this.poll.id === poll && counts) this.poll = { ...this.poll, counts: numbers(counts) };
  }

  /** @param {import("./protocol.js").Pinned[]} pinned @param {Record<string, any> | null} poll */
  viewed(pinned, poll) {
    this.pinned = pinned.map(({ epoch, seq, at, item }) => placeItem(this.#room, { epoch, seq }, at, item));
    this.poll = null;
    if (poll !== null) this.#open(readPoll(poll), numbers(poll.counts));
  }

  /** @param {RoomSettings} settings @param {Position} head @param {string} title */
  joined(settings, head, title) {
    this.settings = settings;
    this.head = head;
    this.title = title;
  }

  missed() {}

  /** @param {Refusal} refusal */
  refused(refusal) {
    this.inbox.end(refusal);
    this.#refused(refusal);
  }

  /** @param {import("./protocol.js").Poll} poll @param {number[]} counts */
  #open({ id, question, options, until }, counts) {
    this.poll = { id, question, options, counts, until };
  }
}

/** @param {string} room @param {Position} position @param {number} at @param {import("./protocol.js").Item} item @returns {Item} */
export function placeItem(room, position, at, item) {
  return { room, position, at, ...readItem(item) };
}
