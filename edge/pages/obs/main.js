/**
 * The overlay for a streamer's picture: nothing to press, nothing to hear, nothing behind the comments.
 *
 * Nobody watches over it, so it always comes back: over lost connections as the SDK does, and after a
 * refusal, which may be mended meanwhile, again and again.
 *
 * @typedef {import("../sdk/protocol.js").Event} Event
 * @typedef {import("../sdk/protocol.js").Position} Position
 */

import { Overlay } from "../overlay/index.js";
import { TIMING } from "../sdk/pace.js";
import { isOfRoom, numbers, readItem, readPoll } from "../sdk/protocol.js";
import { Room } from "../sdk/room.js";
import { part } from "../shared/dialog.js";
import { learn, t, translate } from "../shared/language.js";
import { Link } from "../shared/link.js";
import { overlaid } from "../shared/overlaid.js";
import { Places } from "../shared/places.js";
import { Returning } from "../shared/returning.js";
import { refused } from "../shared/wording.js";
import { readAddress } from "./address.js";
import { Cards } from "./cards.js";
import en from "./words.en.js";
import zh from "./words.zh-CN.js";

const FRESH_MS = 8_000; // what is older was missed, and flies no more
/** Refusals that viewers of the stream need not hear of: it will be right by itself. */
const QUIET = new Set(["room_closed", "replaced"]);

class Page {
  #wish = readAddress(location.search, location.hash);
  #overlay = new Overlay(part("comments"), this.#wish.options);
  #cards = new Cards(part("cards"), () => this.#now);
  #places = new Places();
  #likes = 0;
  /** @type {Room | null} */
  #room = null;
  #returning = new Returning(() => {
    this.#enter();
    if (!this.#link.isOpen) this.#link.connect();
  });
  #link = new Link(() => (this.#wish.token ? { token: this.#wish.token } : {}), {
    changed: (state) => this.#changed(state),
    opened: () => void this.#room?.enter(),
    delivered: (frame) => this.#delivered(frame),
    lost: () => this.#room?.lost(),
  });

  start() {
    const { room, theme, corner, scale } = this.#wish;
    translate();
    document.body.dataset.theme = theme;
    document.body.dataset.corner = corner;
    document.body.style.setProperty("--scale", String(scale));
    if (room === "") {
      this.#complain(t("overlay.no_room"));
      return;
    }
    document.title = `${room} · Danmaku`;
    this.#enter();
    this.#link.connect();
  }

  get #now() {
    return this.#link.serviceNow;
  }

  #enter() {
    const { room, shows } = this.#wish;
    this.#room = new Room(room, this.#link, {
      shown: (placed) => {
        for (const { position, at, item } of placed) this.#perform(readItem(item), position, at);
      },
      counted: (_viewers, likes) => {
        if (shows.likes && this.#likes > 0) this.#overlay.cheer(likes - this.#likes);
        this.#likes = likes;
      },
      polled: (poll, counts) => this.#cards.count(poll, counts && numbers(counts)),
      viewed: (pinned, poll, whole) => {
        if (!whole) this.#cards.clear();
        for (const { epoch, seq, at, item } of pinned) this.#pin(readItem(item), { epoch, seq }, at);
        if (poll !== null && shows.polls) this.#cards.open(readPoll(poll), numbers(poll.counts));
      },
      joined: () => {
        this.#returning.stop();
        this.#complain("");
      },
      missed: () => {},
      refused: (refusal) => this.#refused(refusal.name, refused(refusal)),
    }, TIMING);
    if (this.#link.isOpen) void this.#room.enter();
  }

  /** @param {Event} event @param {Position} position @param {number} at */
  #perform(event, position, at) {
    const { shows } = this.#wish;
    const isFresh = this.#now - at < FRESH_MS;
    this.#pin(event, position, at);
    const comment = isFresh && (event.kind === "comment" || shows.gifts) ? overlaid(event) : null;
    if (comment !== null) this.#overlay.push(comment);
    if (event.kind === "announce" && event.until === null && isFresh && shows.pins) this.#cards.announce(event, at);
    if (event.kind === "unpinned") this.#cards.unpin();
    if (event.kind === "poll" && shows.polls) this.#cards.open(event);
    if (event.kind === "poll_closed") this.#cards.close(event.id, event.counts, at);
    if (event.kind === "recall") this.#recall(event, position);
  }

  /** @param {Event} event @param {Position} position @param {number} at */
  #pin(event, position, at) {
    this.#places.keep(event, position);
    const until = "until" in event ? event.until : null;
    if (until === null || until === undefined || !this.#wish.shows.pins) return;
    if (event.kind === "announce") this.#cards.announce(event, at);
    else if (event.kind === "paid" || event.kind === "gift") this.#cards.pay(event, until, `${position.epoch}-${position.seq}`);
  }

  /** @param {import("../sdk/protocol.js").Recall} recall @param {Position} at */
  #recall(recall, at) {
    const isGone = this.#places.takenBack(recall, at);
    this.#cards.recall(isGone);
    this.#overlay.remove((comment) => isGone(/** @type {{event: Event} & typeof comment} */ (comment).event));
  }

  /** @param {import("../sdk/protocol.js").ServerFrame} frame */
  #delivered(frame) {
    if (!("room" in frame) || frame.room !== this.#wish.room) return;
    if (isOfRoom(frame)) this.#room?.take(frame);
    else if (frame.t === "notice" && frame.kind === "resync") void this.#room?.enter();
    else if (frame.t === "notice" && (frame.kind === "kicked" || frame.kind === "banned")) {
      this.#room?.end();
      this.#refused(frame.kind, t(`overlay.${frame.kind}`));
    }
  }

  /** @param {import("../sdk/connection.js").State} state */
  #changed(state) {
    if (!("name" in state)) return;
    const why = refused({ name: state.name, message: state.reason });
    if (state.phase === "refused") this.#refused(state.name, why);
    else if (state.name === "upgrade_required") this.#complain(t("overlay.other", { room: this.#wish.room, why }));
  }

  /** Somebody may mend it: try again in a while. @param {string} name of the refusal @param {string} why */
  #refused(name, why) {
    this.#room = null; // until then nobody asks for it, over whatever connection
    if (name === "unauthorized") this.#complain(t("overlay.unauthorized"));
    else if (!QUIET.has(name)) this.#complain(t("overlay.other", { room: this.#wish.room, why }));
    this.#returning.later();
  }

  /** The only words of its own that it ever shows. @param {string} text empty: all is well */
  #complain(text) {
    const box = part("complaint");
    box.hidden = text === "";
    box.textContent = text;
  }
}

learn({ en, "zh-CN": zh });
new Page().start();
