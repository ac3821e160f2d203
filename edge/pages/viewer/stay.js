/**
 * One's stay in a room: let in at once or when it opens, told its rules, and sent out.
 *
 * @typedef {import("../sdk/protocol.js").Event} Event
 * @typedef {import("../sdk/protocol.js").Notice} Notice
 * @typedef {import("../sdk/protocol.js").Position} Position
 * @typedef {import("../sdk/protocol.js").Refusal} Refusal
 * @typedef {import("../sdk/protocol.js").RoomSettings} RoomSettings
 */

import { isOfRoom } from "../sdk/protocol.js";
import { TIMING } from "../sdk/pace.js";
import { Room } from "../sdk/room.js";
import { part } from "../shared/dialog.js";
import { t } from "../shared/language.js";
import { PASSING, Returning } from "../shared/returning.js";
import { Ruling } from "../shared/ruling.js";
import { noticed, refused, short, waiting } from "../shared/wording.js";
import { Likes } from "./likes.js";

export class Stay {
  /** Where one is, or wants to be. @type {Room | null} */
  room = null;
  #link;
  #screen;
  #composer;
  #likes;
  #viewers = part("viewers");
  #comeIn = part("come-in");
  #me = { uid: "", role: "guest" };
  #ruling = new Ruling();
  /** Whether it is for the streamer to open the room; we were told, and come in when it is. */
  #isWaiting = false;
  /** Whether one was sent out, or not let in. */
  #isOut = false;
  #returning = new Returning(() => this.#come(this.name));

  /** @param {import("../shared/link.js").Link} link @param {import("./screen.js").Screen} screen @param {import("./composer.js").Composer} composer */
  constructor(link, screen, composer) {
    this.#link = link;
    this.#screen = screen;
    this.#composer = composer;
    this.#comeIn.addEventListener("click", () => {
      part("text").focus({ preventScroll: true }); // the button goes
      this.enter(this.name);
    });
    this.#likes = new Likes(
      /** @type {HTMLButtonElement} */ (part("like")), part("likes"), () => (this.room?.isIn ? this.room : null), (count) => screen.cheer(count),
      (refusal) => refusal.name !== "timeout" && composer.refuse(refused(refusal), refusal.retryMs), // they may count still
    );
  }

  /** Of the room. */
  get name() {
    return this.room?.name ?? "";
  }

  /** What to say of what is said now, where that waits for a connection: who is out is refused at once. */
  get waits() {
    return this.#isOut || this.#isWaiting ? "" : waiting(this.#link);
  }

  /** Also the same one anew, where one is out of it. @param {string} name */
  enter(name) {
    if (name === this.name && !this.#isOut) return;
    this.room?.leave();
    this.#begin(name);
  }

  /** There is a new connection. */
  opened() {
    if (!this.#isOut) void this.room?.enter();
  }

  /** As whom. @param {string} uid @param {string} role */
  greeted(uid, role) {
    const before = this.#me;
    const isAnother = ![uid, ""].includes(before.uid);
    this.#me = { uid, role };
    if (isAnother) {
      this.#composer.forget(before.role === "guest");
      this.#isWaiting = false; // he is told himself
    }
    this.#composer.allow(this.#ruling.now, role);
    this.#screen.allow(this.name, uid, role);
    if (this.#isOut && isAnother) this.#begin(this.name); // it was not he who was sent out
  }

  /** @param {import("../sdk/protocol.js").ServerFrame} frame */
  take(frame) {
    if (frame.t === "notice") this.#noticed(frame);
    else if (isOfRoom(frame) && frame.room === this.name) this.room?.take(frame);
  }

  /** The room has other rules, another title, was opened, or closed. @param {Event} event @param {Position} position */
  ruled(event, position) {
    if (event.kind === "settings") this.#changed(event.settings, position);
    else if (event.kind === "title") this.#entitle(event.title);
    else if (event.kind === "opened") this.#opened();
    else if (event.kind === "closed") this.#closed(event.reason ? t("room.closed.why", { why: event.reason }) : t("room.closed"));
  }

  /** @param {string} name */
  #begin(name) {
    if (name !== this.name) this.#clear(name); // else what was said is still to be read
    this.#screen.hush();
    this.#likes.open();
    this.#composer.open(name);
    this.#isWaiting = this.#isOut = false;
    this.#comeIn.hidden = true;
    this.#returning.stop();
    this.#come(name);
  }

  /** Where one was before in this room one goes on. @param {string} name */
  #come(name) {
    const screen = this.#screen;
    const since = this.room?.name === name && this.room.position.epoch > 0 ? this.room.position : null;
    this.room = new Room(name, this.#link, {
      shown: (placed) => screen.shown(placed),
      counted: (viewers, likes) => {
        if (viewers > 0) this.#viewers.textContent = short(viewers); // one is in it oneself: that is not counted yet
        this.#likes.set(likes);
      },
      polled: (poll, counts) => screen.polled(poll, counts),
      viewed: (pinned, poll, whole) => screen.viewed(pinned, poll, whole),
      joined: (settings, head, title) => this.#cameIn(settings, head, title),
      missed: (count) => screen.missed(count),
      refused: (refusal) => this.#keptOut(refusal),
    }, TIMING, { since });
    if (this.#link.isOpen) void this.room.enter();
  }

  /** @param {string} name of the room that comes */
  #clear(name) {
    document.title = part("heading").textContent = t("title", { room: name });
    this.#ruling = new Ruling();
    /** @type {HTMLElement} */ (part("room-name").firstElementChild).textContent = name;
    this.#viewers.textContent = "–";
    this.#entitle("");
    this.#screen.clear();
    this.#screen.allow(name, this.#me.uid, this.#me.role);
    this.#likes.clear();
  }

  /** @param {RoomSettings} settings @param {Position} head @param {string} title */
  #cameIn(settings, head, title) {
    this.#returning.stop();
    this.#entitle(title);
    this.#screen.joined(head);
    if (this.#isWaiting) this.#opened();
    else this.#screen.settle();
    this.#ruling.hold(settings, head);
    this.#composer.allow(settings, this.#me.role);
  }

  /** @param {string} title */
  #entitle(title) {
    part("room-title").textContent = part("room-button").title = title;
  }

  /** @param {Refusal} refusal */
  #keptOut(refusal) {
    if (!PASSING.has(refusal.name)) return this.#outside(refused(refusal));
    if (!this.#isWaiting) this.#closed(t("room.waiting", { why: refused(refusal) }));
    this.#isWaiting = true;
    this.#viewers.textContent = "–";
    this.#returning.later();
  }

  /** Nobody may write here; that is said for as long as it is so. @param {string} why */
  #closed(why) {
    this.#screen.announce(why, { isLasting: true });
    this.#composer.refuse(why);
  }

  #opened() {
    this.#isWaiting = false;
    this.#screen.settle();
    this.#screen.note(t("room.open"));
    this.#composer.reopen();
  }

  /** @param {Notice} notice */
  #noticed(notice) {
    if (notice.room !== undefined && notice.room !== this.name) return;
    const { kind, reason, retry_ms: retryMs = null, text } = notice;
    switch (kind) {
      case "kicked":
        this.room?.end();
        this.#outside(noticed(kind, reason));
        break;
      case "banned":
        this.room?.end();
        this.#outside(noticed(kind, reason, retryMs));
        break;
      case "muted":
        this.#composer.refuse(noticed(kind, reason), retryMs);
        this.#screen.note(noticed(kind, reason, retryMs));
        break;
      case "unmuted":
        this.#composer.reopen();
        this.#screen.note(noticed(kind));
        break;
      case "approved":
      case "denied":
        this.#screen.note(noticed(kind, reason, null, text));
        this.#composer.decided();
        break;
      case "resync":
        void this.room?.enter();
        break;
    }
  }

  /** This room shows us nothing any more. @param {string} why */
  #outside(why) {
    this.#isOut = true;
    this.#comeIn.hidden = false;
    this.#isWaiting = false;
    this.#returning.stop();
    this.#likes.close();
    this.#viewers.textContent = "–";
    this.#screen.settle();
    this.#screen.announce(why);
    this.#composer.refuse(why);
  }

  /** @param {RoomSettings} settings @param {Position} position */
  #changed(settings, position) {
    const changes = this.#ruling.change(settings, position);
    this.#composer.allow(this.#ruling.now, this.#me.role);
    if (changes !== "") this.#screen.note(changes);
  }
}
