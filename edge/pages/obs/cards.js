/**
 * Small cards beside the comments: announcements, what is pinned, the poll. Few, each with its time. Text is only ever text.
 *
 * @typedef {import("../sdk/protocol.js").Announcement} Announcement
 * @typedef {import("../sdk/protocol.js").Event} Event
 * @typedef {import("../sdk/protocol.js").Poll} Poll
 * @typedef {{key: string, rank: number, until: number, card: HTMLElement, event: Event | null}} Card
 */

import { barsOf } from "../shared/bars.js";
import { element } from "../shared/element.js";
import { t } from "../shared/language.js";
import { money } from "../shared/wording.js";

const MOST = 5;
const ANNOUNCED_MS = 12_000; // for one that is not pinned
const RESULT_MS = 20_000;
const LATE_MS = 10_000; // what came of a poll may be told so long after its end
const MOST_WAIT = 2 ** 31 - 1; // that a timer can
const LONGEST = 200; // characters

export class Cards {
  #box;
  #now;
  /** @type {Card[]} */
  #cards = [];
  /** Those put up last, whether or not there was room for all. @type {HTMLElement[]} */
  #wanted = [];
  /** @type {Poll | null} */
  #poll = null;
  /** Draws how the poll that is shown stands. @type {(counts: number[]) => number} */
  #tell = () => 0;
  #timer = 0;

  /** @param {HTMLElement} box @param {() => number} now ms since 1970 by the service's clock */
  constructor(box, now) {
    this.#box = box;
    this.#now = now;
  }

  clear() {
    this.#cards = [];
    this.#poll = null;
    this.#draw();
  }

  /** The newest takes the place of the one before. @param {Announcement} announcement @param {number} at when it was said */
  announce(announcement, at) {
    const card = element("article", "card announcement");
    if (announcement.name) card.append(element("bdi", "who", announcement.name));
    card.append(element("bdi", "text", cut(announcement.text)));
    const isPinned = announcement.until !== null;
    const until = announcement.until ?? at + ANNOUNCED_MS;
    this.#put({ key: isPinned ? "pinned" : "announced", rank: isPinned ? 0 : 1, until, card, event: announcement });
  }

  unpin() {
    this.#drop(({ key }) => key === "pinned");
  }

  /**
   * Something that was paid for, for as long as it is pinned.
   * @param {Event & {name: string, uid: string, text: string}} event @param {number} until @param {string} key where it stands
   */
  pay(event, until, key) {
    const card = element("article", `card ${event.kind}`);
    const what = event.kind === "gift" ? `${event.gift} × ${event.count}` : "";
    const { amount, currency } = /** @type {{amount?: number, currency?: string}} */ (event);
    card.append(element("bdi", "who", event.name || event.uid));
    if (typeof amount === "number" && currency) card.append(element("span", "money", money({ amount, currency })));
    for (const text of [what, event.text]) if (text) card.append(element("bdi", "text", cut(text)));
    this.#put({ key, rank: 3, until, card, event });
  }

  /** @param {Poll} poll @param {number[] | null} counts how it stands, if that is known */
  open(poll, counts = null) {
    this.#poll = poll;
    this.#vote(counts ?? poll.options.map(() => 0), endOf(poll), false);
  }

  /** @param {string | undefined} id @param {number[] | undefined} counts */
  count(id, counts) {
    const poll = this.#poll;
    if (poll !== null && counts !== undefined && id === poll.id) this.#vote(counts, endOf(poll), false);
  }

  /** What came of it, for a while. @param {string} id @param {number[]} counts @param {number} at when it was closed */
  close(id, counts, at) {
    if (this.#poll === null || id !== this.#poll.id) return;
    this.#vote(counts, at + RESULT_MS, true);
    this.#poll = null;
  }

  /** What was taken back is in view no longer. @param {(event: Event) => boolean} isGone */
  recall(isGone) {
    this.#drop(({ event }) => event !== null && isGone(event));
  }

  /** @param {number[]} counts @param {number} until @param {boolean} isOver */
  #vote(counts, until, isOver) {
    const poll = /** @type {Poll} */ (this.#poll);
    const shown = this.#cards.find(({ card }) => card.dataset.poll === poll.id)?.card;
    const card = shown ?? this.#pollCard(poll);
    const total = this.#tell(counts);
    const most = Math.max(...counts);
    for (const [place, row] of card.querySelectorAll("li").entries()) {
      row.classList.toggle("best", isOver && total > 0 && counts[place] === most);
    }
    /** @type {Element} */ (card.lastElementChild).textContent = t(isOver ? "overlay.over" : "overlay.votes", { n: total });
    this.#put({ key: "poll", rank: 2, until, card, event: null });
  }

  /** Without figures yet. @param {Poll} poll */
  #pollCard({ id, question, options }) {
    const card = element("article", "card poll");
    card.dataset.poll = id;
    const list = element("ol", "options");
    const { bars, tell } = barsOf(options, () => element("li", "option"));
    this.#tell = tell;
    list.append(...bars);
    card.append(element("bdi", "question", question), list, element("p", "votes"));
    return card;
  }

  /** @param {Card} card */
  #put(card) {
    this.#cards = [...this.#cards.filter(({ key }) => key !== card.key), card]
      .filter(({ until }) => until > this.#now())
      .sort((one, other) => one.rank - other.rank || other.until - one.until)
      .slice(0, MOST);
    this.#draw();
  }

  /** @param {(card: Card) => boolean} isGone */
  #drop(isGone) {
    this.#cards = this.#cards.filter((card) => !isGone(card));
    this.#draw();
  }

  #draw() {
    clearTimeout(this.#timer);
    const now = this.#now();
    this.#cards = this.#cards.filter(({ until }) => until > now);
    const wanted = this.#cards.map(({ card }) => card);
    const isSame = wanted.length === this.#wanted.length && wanted.every((card, place) => card === this.#wanted[place]);
    if (!isSame) this.#place(wanted);
    const next = Math.min(...this.#cards.map(({ until }) => until)) - now;
    if (Number.isFinite(next)) this.#timer = setTimeout(() => this.#draw(), Math.min(next, MOST_WAIT));
  }

  /** As many as there is room for; half a card says nothing. @param {HTMLElement[]} wanted */
  #place(wanted) {
    this.#wanted = wanted;
    this.#box.replaceChildren(...wanted);
    while (this.#box.childElementCount > 1 && this.#box.scrollHeight > this.#box.clientHeight) this.#box.lastElementChild?.remove();
  }
}

/** @param {Poll} poll */
function endOf({ until }) {
  return until === null ? Infinity : until + LATE_MS;
}

/** @param {string} text */
function cut(text) {
  const characters = Array.from(text.slice(0, 4 * LONGEST));
  return characters.length > LONGEST ? `${characters.slice(0, LONGEST).join("")}…` : text;
}
