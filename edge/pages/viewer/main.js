/**
 * The page: puts the parts together and decides what a comment, an event or a notice does to them.
 *
 * @typedef {import("../sdk/protocol.js").Event} Event
 * @typedef {import("../sdk/protocol.js").Notice} Notice
 * @typedef {import("../sdk/protocol.js").Refusal} Refusal
 * @typedef {import("../sdk/reader.js").Placed} Placed
 */

import { socketAddress } from "../sdk/address.js";
import { Connection } from "../sdk/connection.js";
import { TIMING } from "../sdk/pace.js";
import { isId, isOfRoom, numbers, readItem, readPoll } from "../sdk/protocol.js";
import { takes } from "../sdk/recalls.js";
import { Room } from "../sdk/room.js";
import { part } from "../shared/dialog.js";
import { Identity } from "../shared/identity.js";
import { Memory } from "../shared/memory.js";
import { PASSING, Returning } from "../shared/returning.js";
import { Banners, Status } from "../shared/status.js";
import { learn, refused, sentence, t, translate } from "../shared/language.js";
import { lasting, short } from "../shared/wording.js";
import { Blocks } from "./blocks.js";
import { Composer } from "./composer.js";
import { RoomsDialog, YouDialog } from "./dialogs.js";
import { Likes } from "./likes.js";
import { PersonDialog } from "./person.js";
import { Pins } from "./pins.js";
import { PollCard } from "./poll.js";
import { changesInWords } from "./rules.js";
import { SettingsDialog } from "./settings.js";
import { Sidebar } from "./sidebar.js";
import { Theatre } from "./theatre.js";
import { Voice } from "./voice.js";
import en from "./words.en.js";
import zh from "./words.zh-CN.js";

const DEFAULT_ROOM = "lobby";
const FRESH_MS = 8_000; // what is older was missed: the list has it, the picture does not

class Page {
  #memory = new Memory();
  /** Where each event stands. @type {WeakMap<Event, import("../sdk/protocol.js").Position>} */
  #places = new WeakMap();
  #me = { uid: "", role: "guest" };
  /** @type {Room | null} */
  #room = null;
  /** @type {import("../sdk/protocol.js").RoomSettings} */
  #settings = {};
  /** Whether it is for the streamer to open the room; we were told, and come in when it is. */
  #isWaiting = false;
  #returning = new Returning(() => this.#come(this.#room?.name ?? DEFAULT_ROOM));
  #viewers = part("viewers");
  #sidebar = new Sidebar(part("list"), /** @type {HTMLButtonElement} */ (part("newest")));
  #banners = new Banners(part("banners"));
  #pins = new Pins(part("pins"), () => this.#connection.serviceNow);
  #poll = new PollCard(
    part("poll"), async (poll, option) => this.#room?.vote(poll, option), () => this.#connection.serviceNow,
  );
  #voice = new Voice(part("voice"));
  #blocks = new Blocks();
  #own = new SettingsDialog(this.#memory, this.#blocks, () => this.#configure(), () => this.#hideBlocked());
  #theatre = new Theatre(this.#own.look, (event) => this.#pick(event));
  #person = new PersonDialog((uid, name) => this.#own.block(uid, name), () => this.#theatre.release());
  #identity = new Identity(this.#memory, {
    began: () => this.#connection.connect(),
    ended: (why) => {
      this.#connection.connect();
      if (why !== "") this.#you.open(sentence(why));
    },
  }, () => this.#connection.serviceNow);
  #you = new YouDialog(this.#memory, this.#identity, () => this.#connection.connect());
  #composer = new Composer(/** @type {HTMLFormElement} */ (part("composer")), async (draft) => {
    const ok = await this.#room?.send(draft);
    return ok?.shown === true ? 0 : ok?.delay_ms ?? null;
  });
  #likes = new Likes(
    part("like"), part("likes"), () => this.#room, (count) => this.#theatre.cheer(count),
    (refusal) => this.#composer.refuse(refused(refusal), refusal.retryMs),
  );
  #status = new Status(
    part("connection"), part("connection-text"), /** @type {HTMLButtonElement} */ (part("connection-button")),
    () => this.#connection.connect(),
  );
  #connection = new Connection(socketAddress(new URL(".", document.baseURI).href), () => this.#hello(), {
    changed: (state) => {
      this.#status.show(state);
      if (state.phase === "refused" && state.name === "unauthorized") void this.#refused(state.reason);
    },
    greeted: (ok) => this.#greeted(ok),
    delivered: (frame) => this.#delivered(frame),
    lost: () => this.#room?.lost(),
  }, TIMING);

  start() {
    new RoomsDialog(() => this.#room?.name ?? "", (room) => this.#go(room));
    addEventListener("popstate", () => this.#enter(roomInAddress()));
    addEventListener("online", () => this.#connection.hurry());
    part("list").addEventListener("click", ({ target }) => this.#pick(this.#sidebar.find(target)));
    this.#configure();
    this.#enter(roomInAddress());
    this.#identity.start();
    if (this.#memory.token === "") this.#connection.connect();
  }

  /** @param {string} why */
  async #refused(why) {
    if (await this.#identity.refused(why)) this.#connection.connect();
  }

  /** Without `n`: two tabs of one browser are the same guest, and neither shall replace the other. */
  #hello() {
    const { token, name, device } = this.#memory;
    return { device, ...(token && { token }), ...(name && { name }) };
  }

  /** @param {import("../sdk/protocol.js").Ok} ok */
  #greeted(ok) {
    this.#me = { uid: ok.uid, role: ok.role };
    this.#you.greeted(ok.uid, ok.name ?? "", ok.role ?? "");
    this.#composer.allow(this.#settings, this.#me.role);
    this.#poll.allow(this.#room?.name ?? "", ok.uid, ok.role);
    void this.#room?.enter();
  }

  /** @param {string} name */
  #go(name) {
    if (name !== this.#room?.name) history.pushState(null, "", `?room=${name}`);
    this.#enter(name);
  }

  /** @param {string} name */
  #enter(name) {
    if (name === this.#room?.name) return; // a link within the page changes the address too
    this.#room?.leave();
    this.#clear(name);
    this.#come(name);
  }

  /** @param {string} name */
  #come(name) {
    const room = new Room(name, this.#connection, {
      shown: (placed) => this.#shown(placed),
      counted: (viewers, likes) => {
        this.#viewers.textContent = short(viewers);
        this.#likes.set(likes);
      },
      polled: (poll, counts) => this.#poll.count(poll, counts && numbers(counts)),
      viewed: (pinned, poll, whole) => this.#viewed(pinned, poll, whole),
      joined: (settings) => this.#cameIn(settings),
      missed: (count) => this.#missed(count),
      refused: (refusal) => this.#keptOut(refusal),
    }, TIMING);
    this.#room = room;
    if (this.#connection.isLive) void room.enter();
  }

  /** @param {string} name of the room that comes */
  #clear(name) {
    document.title = t("title", { room: name });
    this.#settings = {};
    /** @type {HTMLElement} */ (part("room-name").firstElementChild).textContent = name;
    this.#viewers.textContent = "–";
    this.#sidebar.clear();
    this.#banners.clear();
    this.#pins.clear();
    this.#poll.clear();
    this.#poll.allow(name, this.#me.uid, this.#me.role);
    this.#theatre.clear();
    this.#likes.clear();
    this.#composer.reopen();
    this.#isWaiting = false;
    this.#returning.stop();
  }

  /** @param {import("../sdk/protocol.js").RoomSettings} settings */
  #cameIn(settings) {
    this.#returning.stop();
    if (this.#isWaiting) this.#opened();
    else this.#banners.settle();
    this.#allow(settings, "");
  }

  /** @param {Refusal} refusal */
  #keptOut(refusal) {
    if (!PASSING.has(refusal.name)) {
      this.#outside(refused(refusal));
      return;
    }
    if (!this.#isWaiting) this.#closed(t("room.waiting", { why: refused(refusal) }));
    this.#isWaiting = true;
    this.#viewers.textContent = "–";
    this.#returning.later();
  }

  /** Nobody may write here; that is said for as long as it is so. @param {string} why */
  #closed(why) {
    this.#sidebar.note(why);
    this.#banners.show(why, { isSober: true, isLasting: true });
    this.#composer.refuse(why);
  }

  #opened() {
    this.#isWaiting = false;
    this.#banners.settle();
    this.#sidebar.note(t("room.open"));
    this.#composer.reopen();
  }

  /** @param {Placed[]} placed */
  #shown(placed) {
    const now = this.#connection.serviceNow;
    for (const { position, at, item } of placed) this.#perform(readItem(item), now - at < FRESH_MS, position);
  }

  /** What was shown before may have been taken back since, and nobody tells that any more. @param {number} count */
  #missed(count) {
    this.#sidebar.clear();
    this.#sidebar.note(t("missed", { count: short(count) }));
  }

  /**
   * What is in view as the room is joined.
   * @param {import("../sdk/protocol.js").Pinned[]} pinned @param {Record<string, any> | null} poll
   * @param {boolean} whole whether all that changed what was in view before is told
   */
  #viewed(pinned, poll, whole) {
    if (!whole) {
      this.#pins.clear();
      this.#poll.clear();
    }
    for (const one of pinned) {
      const event = readItem(one.item);
      if (!this.#isBlocked(event)) this.#pin(event, one);
    }
    if (poll !== null) this.#poll.open(readPoll(poll), numbers(poll.counts));
  }

  /** @param {Event} event @param {import("../sdk/protocol.js").Position} position */
  #pin(event, { epoch, seq }) {
    this.#places.set(event, { epoch, seq });
    if (event.kind === "announce") this.#pins.announce(event);
    else if (event.kind === "paid" || event.kind === "gift") this.#pins.pay(event, `${epoch}-${seq}`);
  }

  /** Hide what was taken back. @param {import("../sdk/protocol.js").Recall} recall @param {import("../sdk/protocol.js").Position} at */
  #recall(recall, at) {
    const isGone = (/** @type {Event} */ event) => {
      const place = this.#places.get(event);
      return place !== undefined && takes(recall, at, event, place);
    };
    this.#hide(isGone);
  }

  /** What was said by whom, or holds what, this viewer does not want to see. */
  #hideBlocked() {
    this.#hide((event) => this.#isBlocked(event));
  }

  /** @param {(event: Event) => boolean} isGone */
  #hide(isGone) {
    for (const part of [this.#sidebar, this.#theatre, this.#pins, this.#banners]) part.recall(isGone);
  }

  /** Oneself is never blocked. @param {Event} event */
  #isBlocked(event) {
    return this.#blocks.hides(event) && !("uid" in event && event.uid === this.#me.uid);
  }

  /** @param {Event} event @param {boolean} isFresh @param {import("../sdk/protocol.js").Position} position */
  #perform(event, isFresh, position) {
    if (this.#isBlocked(event)) return;
    this.#pin(event, position);
    const isOwn = "uid" in event && event.uid === this.#me.uid;
    if (isFresh) this.#theatre.show(event, isOwn);
    switch (event.kind) {
      case "comment":
        this.#sidebar.comment(event, isOwn);
        this.#own.heard(event.uid, event.name);
        if (isFresh && !isOwn) this.#voice.say(t("read.comment", { name: event.name, text: event.text }));
        break;
      case "gift":
        this.#sidebar.gift(event);
        break;
      case "announce":
        this.#sidebar.announcement(event);
        if (isFresh && event.until === null) this.#banners.show(event.text, { name: event.name, event });
        break;
      case "recall":
        this.#recall(event, position);
        break;
      case "unpinned":
        this.#pins.unpin();
        break;
      case "paid":
        this.#sidebar.paid(event);
        break;
      case "poll":
        this.#poll.open(event);
        break;
      case "poll_closed":
        this.#poll.close(event.id, event.counts);
        break;
      case "settings":
        this.#allow(event.settings, changesInWords(this.#settings, event.settings));
        break;
      case "opened":
        this.#opened();
        break;
      case "closed":
        this.#closed(event.reason ? t("room.closed.why", { why: event.reason }) : t("room.closed"));
        break;
    }
  }

  /** @param {import("../sdk/protocol.js").ServerFrame} frame */
  #delivered(frame) {
    if (frame.t === "notice") this.#noticed(frame);
    else if (isOfRoom(frame) && frame.room === this.#room?.name) this.#room?.take(frame);
  }

  /** @param {Notice} notice */
  #noticed(notice) {
    if (notice.kind === "reconnect") this.#connection.move(notice.retry_ms ?? 0);
    if (notice.room !== undefined && notice.room !== this.#room?.name) return;
    const why = notice.reason ? t("why", { reason: notice.reason }) : "";
    switch (notice.kind) {
      case "kicked":
        this.#room?.end();
        this.#outside(t("kicked", { why }));
        break;
      case "banned":
        this.#room?.end();
        this.#outside(t("banned", { span: span(notice.retry_ms), why }));
        break;
      case "muted": {
        this.#composer.refuse(t("muted", { span: "", why }), notice.retry_ms ?? null);
        this.#sidebar.note(t("muted", { span: span(notice.retry_ms), why }));
        break;
      }
      case "unmuted":
        this.#composer.reopen();
        this.#sidebar.note(t("unmuted"));
        break;
      case "approved":
        this.#sidebar.note(t("approved"));
        break;
      case "denied":
        this.#sidebar.note(t("denied", { why }));
        break;
      case "resync":
        void this.#room?.enter();
        break;
    }
  }

  /** This room shows us nothing any more. @param {string} why */
  #outside(why) {
    this.#viewers.textContent = "–";
    this.#sidebar.note(why);
    this.#banners.show(why, { isSober: true });
    this.#composer.refuse(why);
  }

  /** @param {import("../sdk/protocol.js").RoomSettings} settings @param {string} changes in words */
  #allow(settings, changes) {
    this.#settings = settings;
    this.#composer.allow(settings, this.#me.role);
    if (changes !== "") this.#sidebar.note(changes);
  }

  #configure() {
    this.#theatre.configure(this.#own.look);
    this.#voice.configure(this.#own.isAloud);
  }

  /** Whose comment is picked, in the list or in the picture, can be blocked. @param {Event | null} event */
  #pick(event) {
    if (event !== null && "uid" in event && "text" in event) this.#person.open(event, event.uid === this.#me.uid);
  }
}

/** For how long, where that has an end. @param {number | undefined} retryMs */
function span(retryMs) {
  return retryMs === undefined ? "" : t("span", { time: lasting(Math.ceil(retryMs / 1000)) });
}

function roomInAddress() {
  const room = new URLSearchParams(location.search).get("room") ?? DEFAULT_ROOM;
  return isId(room) ? room : DEFAULT_ROOM;
}

learn({ en, "zh-CN": zh });
translate();
new Page().start();
