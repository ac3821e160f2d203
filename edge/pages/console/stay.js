/**
 * One's stay in a room: let in at once or when it is there, and sent out.
 *
 * @typedef {import("../sdk/protocol.js").Position} Position
 * @typedef {import("../sdk/protocol.js").RoomSettings} RoomSettings
 * @typedef {object} Told
 * @property {(placed: import("../sdk/reader.js").Placed[]) => void} shown
 * @property {(viewers: number | null) => void} counted null: nobody knows
 * @property {(settings: RoomSettings, head: Position, hasWaited: boolean) => void} joined also after each return
 * @property {(count: number) => void} missed
 */

import { TIMING } from "../sdk/pace.js";
import { START } from "../sdk/reader.js";
import { Room } from "../sdk/room.js";
import { Returning } from "../shared/returning.js";

export class Stay {
  #name;
  #link;
  #standing;
  #told;
  #room;
  #returning = new Returning(() => this.enter());

  /** @param {string} name @param {import("../shared/link.js").Link} link @param {import("./standing.js").Standing} standing @param {Told} told */
  constructor(name, link, standing, told) {
    this.#name = name;
    this.#link = link;
    this.#standing = standing;
    this.#told = told;
    this.#room = this.#visit();
  }

  /** One was sent out, or not let in. */
  get isOut() {
    return this.#standing.isOut;
  }

  /** Over a connection that is new, or again. */
  enter() {
    if (this.#standing.isWaiting) this.#again();
    else if (!this.isOut) void this.#room.enter();
  }

  /** The connection is gone. */
  lost() {
    this.#room.lost();
  }

  /** @param {Parameters<Room["take"]>[0]} frame */
  take(frame) {
    this.#room.take(frame);
  }

  /** What the service tells one of this room. @param {import("../sdk/protocol.js").Notice} notice */
  noticed(notice) {
    if (notice.kind === "resync" && !this.isOut) void this.#room.enter();
    if (notice.kind !== "kicked" && notice.kind !== "banned") return;
    this.#room.end();
    this.#standing.sentOut(notice);
    this.#told.counted(null);
  }

  leave() {
    this.#returning.stop();
    this.#room.leave();
  }

  /** @param {Position | null} since what was shown already */
  #visit(since = null) {
    return new Room(this.#name, this.#link, {
      shown: (placed) => this.#told.shown(placed),
      counted: (viewers) => this.#told.counted(viewers),
      joined: (settings, head) => this.#cameIn(settings, head),
      missed: (count) => this.#told.missed(count),
      refused: (refusal) => this.#keptOut(refusal),
    }, TIMING, { since });
  }

  /** Where one was not let in, which is for good for that visit. */
  #again() {
    const { position } = this.#room;
    this.#room.end();
    this.#room = this.#visit(position.epoch === START.epoch ? null : position);
    void this.#room.enter();
  }

  /** @param {RoomSettings} settings @param {Position} head */
  #cameIn(settings, head) {
    const hasWaited = this.#standing.isWaiting;
    this.#returning.stop();
    this.#standing.cameIn();
    this.#told.joined(settings, head, hasWaited);
  }

  /** @param {import("../sdk/protocol.js").Refusal} refusal */
  #keptOut(refusal) {
    this.#standing.keptOut(refusal);
    this.#told.counted(null);
    if (this.#standing.isWaiting) this.#returning.later();
  }
}
