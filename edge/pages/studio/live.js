/**
 * The room as it is now: one connection, what is shown as lines, who watches, and the poll.
 *
 * @typedef {import("../sdk/showing.js").Item} Item
 * @typedef {import("../sdk/showing.js").Stats} Stats
 * @typedef {import("../sdk/joined.js").JoinedRoom} JoinedRoom
 * @typedef {object} Told
 * @property {(state: import("../sdk/connection.js").State) => void} connection
 * @property {(stats: {viewers: number, likes: number}) => void} counted
 * @property {(announcement: Extract<Item, {kind: "announce"}> | null) => void} viewed which is pinned, as one comes in, or in again
 * @property {(item: Item) => void} happened what changes the room: it was opened, closed, pinned, taken back, its rules changed
 * @property {(why: string) => void} outside one is not in the room, or ("") in again
 */

import { atMostOnce } from "../sdk/asking.js";
import { Client } from "../sdk/client.js";
import { sleep, TIMING } from "../sdk/pace.js";
import { Refusal } from "../sdk/protocol.js";
import { Entry, note } from "../shared/entry.js";
import { t } from "../shared/language.js";
import { Ruling } from "../shared/ruling.js";
import { noticed, refused } from "../shared/wording.js";

const SAID = new Set(["comment", "gift", "paid", "announce"]);
const CHANGES = new Set(["opened", "closed", "title", "settings", "unpinned", "announce", "recall"]);

export class Live {
  #client;
  #feed;
  #polls;
  #pulse;
  #told;
  /** Of the room, also before one is in it. */
  #name = "";
  /** @type {JoinedRoom | null} */
  #room = null;
  #ruling = new Ruling();
  /** Why, in words, if one was. */
  #sentOut = "";
  /** Why one is out of the room and does not come back by oneself, in words. */
  #outside = "";
  #isOver = false;
  /** Until one is in, or was not let in. */
  #entering = Promise.resolve();
  /** What was in view at the last join. @type {Item[]} */
  #pinned = [];

  /**
   * @param {import("../shared/identity.js").Identity} identity @param {string} device
   * @param {import("../shared/feed.js").Feed} feed @param {import("./polls.js").Polls} polls
   * @param {import("./pulse.js").Pulse} pulse @param {Told} told
   */
  constructor(identity, device, feed, polls, pulse, told) {
    this.#feed = feed;
    this.#polls = polls;
    this.#pulse = pulse;
    this.#told = told;
    this.#client = new Client(document.baseURI.replace(/[^/]*$/, ""), {
      token: () => identity.token, renewed: (why) => identity.refused(why), device, replaces: false,
    });
    this.#client.on("connection", (state) => this.#changed(state));
    this.#client.on("notice", (notice) => this.#noticed(notice));
  }

  /** Milliseconds since 1970 by the service's clock. */
  get now() {
    return Date.now() + this.#client.aheadMs;
  }

  /** Come in, and stay until it is closed. @param {string} name */
  enter(name) {
    this.#name = name;
    return (this.#entering = this.#enter(name));
  }

  /** @param {string} name */
  async #enter(name) {
    try {
      await this.#client.connect({ isPatient: true });
      this.#room = await this.#client.join(name);
    } catch (error) {
      this.#out(error);
      return;
    }
    this.#told.outside("");
    this.#polls.agree(this.#room.poll);
    this.#look(this.#room);
    this.#room.on("item", (item) => this.#take(item));
    this.#room.on("end", (refusal) => this.#out(refusal));
  }

  /** Whether it comes back by itself, after a while. */
  get isWaiting() {
    return this.#outside === "" && this.#client.state.phase === "waiting";
  }

  /** Whether what is said goes out as soon as there is a connection again. */
  get isComing() {
    return this.#outside === "" && this.#client.state.phase !== "live";
  }

  hurry() {
    this.#client.hurry();
  }

  doubt() {
    this.#client.doubt();
  }

  /** @param {string} text @param {string} cid */
  async say(text, cid) {
    const entered = (/** @type {AbortSignal} */ late) => Promise.race([this.#entering, sleep(TIMING.answer, late)]); // somebody was faster
    return atMostOnce(entered, async (timeoutMs) => {
      // by a name that has no words of its own, and for now: of an earlier try that says nothing
      if (this.#room === null) throw new Refusal("outside", this.#outside || t("say.outside"), 0);
      return this.#room.send(text, { cid, timeoutMs });
    }, TIMING.answer);
  }

  close() {
    this.#isOver = true;
    this.#client.close();
  }

  /** A connection that leads nowhere is none. @param {import("../sdk/connection.js").State} state */
  #changed(state) {
    const reason = this.#outside;
    this.#told.connection(reason !== "" && state.phase === "live" ? { phase: "refused", name: "outside", reason } : state);
  }

  /** It is told before one is out. @param {import("../sdk/client.js").Notice} notice */
  #noticed({ notice, room, reason, retryMs }) {
    if (room === this.#name && (notice === "kicked" || notice === "banned")) this.#sentOut = noticed(notice, reason, retryMs);
  }

  /** @param {unknown} why */
  #out(why) {
    this.#room = null;
    if (this.#isOver) return; // what it says now is of a room that is not looked at any more
    if (!why) return;
    if (!(why instanceof Refusal)) throw why;
    this.#outside = this.#sentOut || refused(why);
    this.#told.outside(this.#outside);
    this.#changed(this.#client.state);
  }

  /** What holds and is in view, after each join: that it changed may have been missed. @param {JoinedRoom} room */
  #look({ pinned, settings, head }) {
    if (pinned === this.#pinned) return;
    this.#pinned = pinned;
    this.#ruling.hold(settings, head);
    this.#told.viewed(pinned.find((one) => one.kind === "announce") ?? null);
  }

  /** @param {Item | Stats} item */
  #take(item) {
    const room = this.#room;
    if (room !== null) this.#look(room);
    if (item.kind === "stats") {
      this.#pulse.count(item.viewers);
      this.#told.counted(item);
      this.#polls.count(item.poll, item.counts);
      if (room !== null) this.#polls.agree(room.poll);
      return;
    }
    if (item.kind === "comment") this.#pulse.comment(item.at);
    if (SAID.has(item.kind)) this.#feed.show(new Entry(item, item.position, item.at));
    else if (item.kind === "recall") this.#feed.recall(item, item.position);
    else if (item.kind === "poll") this.#polls.open({ ...item, counts: item.options.map(() => 0) });
    else if (item.kind === "poll_closed") this.#polls.close(item.id, item.counts);
    else if (item.kind === "opened" || item.kind === "closed") this.#feed.note(note(t(`said.${item.kind}`), item.at));
    else if (item.kind === "title" && item.title) this.#feed.note(note(t("said.titled", { title: item.title }), item.at));
    else if (item.kind === "settings") this.#feed.note(note(this.#ruling.change(item.settings, item.position) || t("said.settings"), item.at));
    if (CHANGES.has(item.kind)) this.#told.happened(item);
  }
}
