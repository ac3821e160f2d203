/**
 * All that is seen of a room – the picture, the list, banners, what stays in view – and what a comment or an event does to it.
 *
 * @typedef {import("../sdk/protocol.js").Event} Event
 * @typedef {import("../sdk/protocol.js").Position} Position
 * @typedef {import("../sdk/reader.js").Placed} Placed
 * @typedef {object} Asked
 * @property {() => number} now ms since 1970 by the service's clock
 * @property {(poll: string, option: number) => Promise<unknown>} vote
 * @property {(poll: string) => Promise<number | null>} voted for which option one did, as the service knows it
 * @property {() => void} logIn somebody wants to, who may not vote otherwise
 * @property {() => string} waits what to say of a vote, where there is no connection
 * @property {(text: string) => void} said one's own comment was shown
 * @property {(event: Event, position: Position) => void} ruled the room was opened or closed, or has another title or other rules
 */

import { numbers, readItem, readPoll } from "../sdk/protocol.js";
import { compare, START } from "../sdk/reader.js";
import { part } from "../shared/dialog.js";
import { t } from "../shared/language.js";
import { Places } from "../shared/places.js";
import { short } from "../shared/wording.js";
import { Banners } from "./banners.js";
import { Blocks } from "./blocks.js";
import { PersonDialog } from "./dialogs.js";
import { Pins } from "./pins.js";
import { PollCard } from "./poll.js";
import { SettingsDialog } from "./settings.js";
import { Sidebar, walkWhenFocused } from "./sidebar.js";
import { Theatre } from "./theatre.js";
import { Voice } from "./voice.js";

const FRESH_MS = 8_000; // what is older was missed: the list has it, the picture does not

export class Screen {
  #places = new Places();
  #blocks = new Blocks();
  #sidebar = new Sidebar(part("list"), /** @type {HTMLButtonElement} */ (part("newest")));
  #banners = new Banners(part("banners"));
  #voice = new Voice(part("voice"));
  #asked;
  #pins;
  #poll;
  #own;
  #theatre;
  #person;
  #me = "";
  /** Where the room stood as one came in, or in again: what stands up to there is history. @type {Position} */
  #head = START;
  #empty = part("empty");

  /** @param {import("../shared/memory.js").Memory} memory @param {Asked} asked */
  constructor(memory, asked) {
    this.#asked = asked;
    this.#pins = new Pins(part("pins"), asked.now);
    this.#poll = new PollCard(part("poll"), asked, (text) => this.#voice.tell(text));
    this.#own = new SettingsDialog(memory, this.#blocks, () => this.#configure(), () => this.#hideBlocked());
    this.#theatre = new Theatre(this.#own.look, (event) => this.#pick(event));
    this.#person = new PersonDialog((uid, name) => this.#own.block(uid, name), () => this.#theatre.release());
    const list = part("list");
    const pick = (/** @type {EventTarget | null} */ target) => this.#pick(this.#sidebar.find(target));
    list.addEventListener("click", ({ target }) => pick(target));
    walkWhenFocused(list, pick);
    this.#configure();
  }

  /** Who looks at it. @param {string} room @param {string} uid @param {string} role */
  allow(room, uid, role) {
    this.#me = uid;
    this.#poll.allow(room, uid, role);
  }

  /** For another room. */
  clear() {
    this.#sidebar.clear();
    this.#pins.clear();
    this.#poll.clear();
    this.#theatre.clear();
    this.#empty.hidden = true;
  }

  /** @param {Position} head */
  joined(head) {
    this.#head = head;
    this.#empty.hidden = compare(head, START) > 0; // else nobody has said anything yet
  }

  /** What the banners say was of before. */
  hush() {
    this.#banners.clear();
  }

  /** @param {Placed[]} placed */
  shown(placed) {
    const now = this.#asked.now();
    this.#empty.hidden = true;
    for (const { position, at, item } of placed) {
      const since = compare(position, this.#head) > 0 ? now : Math.min(at, now); // the owner's clock may differ from ours
      this.#perform(readItem(item), since, now - at < FRESH_MS, position);
    }
  }

  /** What was shown before may have been taken back since, and nobody tells that any more. @param {number} count */
  missed(count) {
    this.#sidebar.clear();
    this.#sidebar.note(t("missed", { count: short(count) }));
  }

  /**
   * What is in view as the room is joined.
   * @param {import("../sdk/protocol.js").Pinned[]} pinned @param {Record<string, any> | null} poll
   * @param {boolean} whole whether all that changed what was in view before is told
   */
  viewed(pinned, poll, whole) {
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

  /** @param {string | undefined} poll @param {number[] | undefined} counts */
  polled(poll, counts) {
    this.#poll.count(poll, counts && numbers(counts));
  }

  /** @param {number} count of likes */
  cheer(count) {
    this.#theatre.cheer(count);
  }

  /** Something about the room itself, in the list. @param {string} text */
  note(text) {
    this.#sidebar.note(text);
  }

  /** The same, and over the picture. @param {string} text @param {{isLasting?: boolean}} [manner] lasting: until it is settled */
  announce(text, { isLasting = false } = {}) {
    this.#sidebar.note(text);
    this.#banners.show(text, { isSober: true, isLasting });
  }

  /** What lasted is over. */
  settle() {
    this.#banners.settle();
  }

  /** @param {Event} event @param {number} since @param {boolean} isFresh @param {Position} position */
  #perform(event, since, isFresh, position) {
    if (this.#isBlocked(event)) return;
    this.#pin(event, position);
    const isOwn = "uid" in event && event.uid === this.#me;
    if (isFresh) this.#theatre.show(event, isOwn);
    switch (event.kind) {
      case "comment":
        this.#sidebar.comment(event, isOwn);
        this.#own.heard(event.uid, event.name);
        if (isOwn) this.#asked.said(event.text);
        else if (isFresh) this.#voice.say(t("read.comment", { name: event.name, text: event.text }));
        break;
      case "gift":
        this.#sidebar.gift(event);
        break;
      case "announce":
        this.#sidebar.announcement(event);
        if (isFresh && event.until === null) this.#banners.show(event.text, { name: event.name, event });
        break;
      case "recall":
        this.#hide(this.#places.takenBack(event, position));
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
        this.#poll.close(event.id, event.counts, since);
        break;
      default:
        this.#asked.ruled(event, position);
    }
  }

  /** @param {Event} event @param {Position} position */
  #pin(event, position) {
    this.#places.keep(event, position);
    if (event.kind === "announce") this.#pins.announce(event);
    else if (event.kind === "paid" || event.kind === "gift") this.#pins.pay(event, `${position.epoch}-${position.seq}`);
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
    return this.#blocks.hides(event) && !("uid" in event && event.uid === this.#me);
  }

  #configure() {
    this.#theatre.configure(this.#own.look);
    this.#voice.configure(this.#own.isAloud);
  }

  /** Whose comment is picked, in the list or in the picture, can be blocked. @param {Event | null} event */
  #pick(event) {
    if (event !== null && "uid" in event && "text" in event) this.#person.open(event, event.uid === this.#me);
  }
}
