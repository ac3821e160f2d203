/**
 * One room side by side with others: its feed, who watches, raid mode, and what its moderators follow.
 *
 * @typedef {import("../sdk/protocol.js").Position} Position
 * @typedef {import("../sdk/protocol.js").RoomSettings} RoomSettings
 * @typedef {import("../sdk/reader.js").Placed} Placed
 * @typedef {import("./watch.js").Entry} AuditEntry
 * @typedef {import("./watch.js").Held} Held
 * @typedef {import("./watch.js").Sign} Sign
 * @typedef {object} Desk what a column stands on
 * @property {import("../shared/link.js").Link} link
 * @property {import("../shared/identity.js").Identity} identity
 * @property {import("./acts.js").Acts} acts
 * @property {() => number | null} muteSeconds
 * @property {(room: string, uid: string) => void} openCard
 * @property {(room: string) => void} chosen it is looked at now
 * @property {(room: string) => void} closed
 * @property {(room: string) => void} changed there is news of it
 */

import { readItem } from "../sdk/protocol.js";
import { element } from "../shared/element.js";
import { Entry, note } from "../shared/entry.js";
import { Feed } from "../shared/feed.js";
import { isAtLeast } from "../shared/identity.js";
import { t } from "../shared/language.js";
import { Ruling } from "../shared/ruling.js";
import { ActBar } from "./act-bar.js";
import { ColumnHead } from "./column-head.js";
import { Raid } from "./raid.js";
import { Standing } from "./standing.js";
import { Stay } from "./stay.js";
import { Watch } from "./watch.js";

const SAID = new Set(["comment", "gift", "paid", "announce"]);
const MOST_ACTS = 500;
const MOST_SIGNS = 100;

export class Column {
  /** @type {AuditEntry[]} */
  record = [];
  /** @type {Held[]} */
  held = [];
  /** @type {Sign[]} */
  signs = [];
  #isModerator = false;
  #standing = new Standing();
  #ruling = new Ruling();
  #head;

  /** @param {string} name @param {Desk} desk */
  constructor(name, desk) {
    this.name = name;
    this.desk = desk;
    this.box = element("section", "column");
    this.box.setAttribute("aria-label", t("column.label", { room: name }));
    this.raid = new Raid((seconds) => desk.acts.raid(name, seconds));
    this.#head = new ColumnHead(name, this.raid, { pause: () => this.pause(), close: () => desk.closed(name) });
    this.box.append(this.#head.box, this.#standing.line);
    this.acts = new ActBar({ ...desk, room: name, role: () => this.role, uid: () => desk.identity.who?.uid ?? "" });
    const pointed = (/** @type {Entry} */ entry, /** @type {HTMLElement} */ row) => this.acts.show(entry, row);
    this.feed = new Feed(this.box, t("feed.label", { room: name }), pointed, (isPaused) => this.#head.pause(isPaused));
    this.box.addEventListener("focusin", () => desk.chosen(name));
    this.box.addEventListener("pointerdown", () => desk.chosen(name));
    this.box.addEventListener("click", (event) => this.#opened(event));
    this.watch = new Watch(desk.identity.calls, name, {
      acted: (entries) => this.#acted(entries),
      held: (held) => this.#waits(held),
      signed: (signs) => {
        this.signs = [...this.signs, ...signs].slice(-MOST_SIGNS);
        desk.changed(name);
      },
      refused: (refusal) => this.#refused(refusal),
    });
    this.stay = new Stay(name, desk.link, this.#standing, {
      shown: (placed) => this.#shown(placed),
      counted: (viewers) => this.#head.count(viewers),
      joined: (settings, head, hasWaited) => this.#joined(settings, head, hasWaited),
      missed: (count) => this.feed.note(note(t("feed.missed", { n: count }), Date.now())),
    });
  }

  /** What one may do here: by the token, or as whom the streamer appointed. */
  get role() {
    const role = this.desk.identity.roleIn(this.name);
    return this.#isModerator && !isAtLeast(role, "moderator") ? "moderator" : role;
  }

  /** Begin, once. */
  open() {
    if (this.desk.link.isOpen) this.stay.enter();
    void this.watch.run();
  }

  close() {
    this.stay.leave();
    this.watch.stop();
    this.raid.stop();
    this.box.remove();
  }

  /** @param {RoomSettings} settings @param {Position} head @param {boolean} hasWaited */
  #joined(settings, head, hasWaited) {
    if (hasWaited) this.watch.hurry(); // there is something to follow now
    this.#ruling.hold(settings, head);
    void this.#look();
  }

  /** The entry of the record whose act took away what this one shows, and the next ones. @param {AuditEntry[]} entries */
  #acted(entries) {
    this.#allowed();
    this.record = [...this.record, ...entries].slice(-MOST_ACTS);
    this.#tellWho(entries);
    if (entries.some(({ verb }) => verb === "raid" || verb === "unraid" || verb === "settings")) void this.#look();
    this.desk.changed(this.name);
  }

  /** @param {AuditEntry[]} entries */
  #tellWho(entries) {
    for (const { verb, what, uid, by, at } of entries) {
      if (verb === "delete") this.feed.recalledBy(what, "", by, at);
      else if (verb === "clear") this.feed.recalledBy("", uid, by, at);
    }
  }

  /** @param {Held[]} held */
  #waits(held) {
    this.#allowed();
    const isNew = held.length !== this.held.length || held.some(({ id }, at) => id !== this.held[at].id);
    this.held = held;
    if (isNew) this.desk.changed(this.name);
  }

  #allowed() {
    this.#standing.mayModerate();
    if (this.#isModerator) return;
    this.#isModerator = true;
    this.raid.offer();
    this.desk.changed(this.name);
  }

  /** @param {import("../sdk/protocol.js").Refusal} refusal */
  #refused(refusal) {
    if (refusal.name === "forbidden") this.watch.stop();
    this.#standing.mayNotModerate(refusal);
  }

  async #look() {
    if (!this.#isModerator && !isAtLeast(this.role, "moderator")) return;
    const calls = this.desk.identity.calls;
    const settings = await calls.call("GET", `v1/admin/rooms/${this.name}/settings`).catch(() => null); // the watch says why
    if (settings !== null) this.raid.show(settings.raid_until_ms);
  }

  /** @param {Placed[]} placed */
  #shown(placed) {
    for (const { position, at, item } of placed) {
      const event = readItem(item);
      if (SAID.has(event.kind)) {
        this.feed.show(new Entry(event, position, at));
      } else if (event.kind === "recall") {
        this.feed.recall(event, position);
        if (event.of === null) this.feed.note(note(t(event.uid ? "feed.cleared.user" : "feed.cleared", { uid: event.uid }), at));
      } else if (event.kind === "opened" || event.kind === "closed") {
        this.feed.note(note(t(`feed.${event.kind}`), at));
      } else if (event.kind === "title" && event.title) {
        this.feed.note(note(t("feed.titled", { title: event.title }), at));
      } else if (event.kind === "settings") {
        this.#ruled(event.settings, position, at);
      }
      if (event.kind === "recall") this.watch.hurry(); // the record says who
    }
    this.#tellWho(this.record.slice(-50));
  }

  /** @param {RoomSettings} settings @param {Position} position @param {number} at */
  #ruled(settings, position, at) {
    this.feed.note(note(this.#ruling.change(settings, position) || t("feed.settings"), at));
    void this.#look();
  }

  /** Stand still, or go on. */
  pause() {
    this.feed.pause(!this.feed.isPaused);
  }

  /** @param {MouseEvent} event */
  #opened(event) {
    const entry = this.feed.focused;
    if (entry !== null && event.target instanceof Element && event.target.closest(".name")) this.desk.openCard(this.name, entry.uid);
  }
}
