/**
 * The rooms side by side, and the one that is looked at: panels are about that one.
 *
 * @typedef {import("../shared/identity.js").Identity} Identity
 * @typedef {import("./acts.js").Acts} Acts
 */

import { isOfRoom } from "../sdk/protocol.js";
import { part } from "../shared/dialog.js";
import { Link } from "../shared/link.js";
import { Column } from "./column.js";
import { keepRooms, MOST_ROOMS, roomsInAddress } from "./rooms.js";

export class Desk {
  /** @type {Map<string, Column>} */
  #columns = new Map();
  #chosen = "";
  /** Whether the service could not be reached, or not in good time. */
  #wasAway = false;
  #stands;
  #told;

  /**
   * @param {Identity} identity @param {Acts} acts
   * @param {{state: (state: import("../sdk/connection.js").State) => void, back: () => void, chosen: () => void, changed: () => void,
   *   muteSeconds: () => number | null, openCard: (room: string, uid: string) => void, hello: () => Record<string, unknown>}} told
   */
  constructor(identity, acts, told) {
    this.#told = told;
    this.link = new Link(told.hello, {
      changed: (state) => {
        this.#wasAway ||= state.phase === "waiting";
        told.state(state);
      },
      opened: () => this.columns.forEach((column) => column.stay.enter()),
      greeted: () => this.#wasAway && this.#back(),
      delivered: (frame) => this.#delivered(frame),
      lost: () => this.columns.forEach((column) => column.stay.lost()),
    });
    this.#stands = {
      link: this.link, identity, acts, muteSeconds: told.muteSeconds, openCard: told.openCard,
      chosen: (/** @type {string} */ room) => this.choose(room),
      closed: (/** @type {string} */ room) => this.remove(room),
      changed: told.changed,
    };
  }

  get columns() {
    return [...this.#columns.values()];
  }

  /** The one that is looked at. */
  get column() {
    return this.#columns.get(this.#chosen) ?? null;
  }

  /** Those that the address names. */
  open() {
    const rooms = roomsInAddress();
    rooms.forEach((room) => this.add(room));
    if (rooms.length > 0) this.choose(rooms[0]);
    this.#draw();
  }

  close() {
    this.columns.forEach((column) => column.close());
    this.#columns.clear();
    this.#chosen = "";
    this.link.close();
  }

  /** @param {string} room @returns {boolean} whether there is a place for it */
  add(room) {
    if (this.#columns.get(room)?.stay.isOut) this.remove(room); // comes in again
    if (!this.#columns.has(room)) {
      if (this.#columns.size >= MOST_ROOMS) return false;
      const column = new Column(room, this.#stands);
      this.#columns.set(room, column);
      part("columns").append(column.box);
      column.open();
    }
    this.choose(room);
    this.#draw();
    return true;
  }

  /** @param {string} room */
  remove(room) {
    const hadFocus = this.#columns.get(room)?.box.contains(document.activeElement);
    this.#columns.get(room)?.close();
    this.#columns.delete(room);
    this.#draw();
    if (hadFocus) part("room-field").focus();
    if (this.#chosen === room) this.choose(this.columns[0]?.name ?? "");
  }

  /** @param {string} room */
  choose(room) {
    if (room === this.#chosen) return;
    this.#chosen = room;
    for (const column of this.columns) column.box.classList.toggle("chosen", column.name === room);
    this.#told.chosen();
  }

  /** @param {-1 | 1} step to the room beside this one */
  beside(step) {
    const columns = this.columns;
    const at = columns.findIndex(({ name }) => name === this.#chosen);
    columns[(at + step + columns.length) % columns.length]?.feed.enterShown();
  }

  /** As whom somebody spoke last in this room, else in another one; "" where nobody knows. @param {string} uid @param {string} room */
  nameOf(uid, room) {
    const columns = [this.#columns.get(room), ...this.columns];
    return columns.map((column) => column?.feed.nameOf(uid)).find((name) => name) ?? "";
  }

  /** Something was done in a room, or in all of them. @param {string} room */
  hurry(room) {
    for (const column of this.columns) if (room === "" || room === column.name) column.watch.hurry();
  }

  /** The service is there again. */
  #back() {
    this.#wasAway = false;
    this.hurry("");
    this.#told.back();
  }

  #draw() {
    part("no-rooms").hidden = this.#columns.size > 0;
    part("columns").hidden = this.#columns.size === 0;
    keepRooms([...this.#columns.keys()]);
  }

  /** @param {import("../sdk/protocol.js").ServerFrame} frame */
  #delivered(frame) {
    if (frame.t === "notice") {
      this.#columns.get(frame.room ?? "")?.stay.noticed(frame);
    } else if (isOfRoom(frame)) {
      this.#columns.get(frame.room)?.stay.take(frame);
    }
  }
}
