/**
 * The list of comments beside the picture: bounded, newest last, following along unless the reader
 * has scrolled up. Rows are gathered and put in some times a second: laying out the list is what costs.
 *
 * @typedef {import("../sdk/protocol.js").Comment} Comment
 * @typedef {import("../sdk/protocol.js").Announcement} Announcement
 * @typedef {import("../sdk/protocol.js").Gift} Gift
 * @typedef {Comment | Announcement | Gift | Paid} Said
 * @typedef {import("../sdk/protocol.js").Paid} Paid
 */

import { cssColor } from "../overlay/sprites.js";
import { WHITE, isStaff } from "../sdk/protocol.js";
import { element, person } from "../shared/element.js";
import { t } from "../shared/language.js";
import { money } from "../shared/wording.js";

const MOST_ROWS = 200;
const NEAR_END = 48; // pixels
const PAUSE_MS = 100; // between two times that rows are put in
const PATIENCE_MS = 2000; // for which keys are taken for what is not loaded yet
const WALKED_BY = /^(Arrow(Up|Down)|Page(Up|Down)|Home|End|Enter)$/;

export class Sidebar {
  #list;
  #newest;
  /** @type {HTMLElement[]} */
  #fresh = [];
  #timer = 0;
  #flushedAt = -PAUSE_MS;
  #unread = 0;
  #isFollowing = true;
  /** What rows tell of. @type {WeakMap<Element, Said>} */
  #events = new WeakMap();

  /** @param {HTMLElement} list @param {HTMLButtonElement} newest the button that leads back to the end */
  constructor(list, newest) {
    this.#list = list;
    this.#newest = newest;
    list.addEventListener("scroll", () => this.#look(), { passive: true });
    newest.addEventListener("click", () => this.#follow());
    new ResizeObserver(() => (this.#isFollowing ? this.#toEnd() : this.#look())).observe(list);
  }

  clear() {
    this.#fresh = [];
    this.#remove([...this.#list.children]);
    this.#follow();
  }

  /** @param {Comment} comment @param {boolean} isOwn */
  comment(comment, isOwn) {
    const row = element("li", isOwn ? "own" : "");
    if (isStaff(comment.role)) row.append(element("span", `badge ${comment.role}`, t(`role.${comment.role}`)));
    const text = element("bdi", "text inked", comment.text);
    if (comment.color !== WHITE) text.style.setProperty("--chosen", cssColor(comment.color));
    row.append(person(comment.uid, comment.name), text);
    this.#add(row, comment);
  }

  /** @param {Announcement} announcement */
  announcement(announcement) {
    const row = element("li", "announce");
    if (announcement.name) row.append(element("bdi", "name", announcement.name));
    row.append(element("bdi", "text", announcement.text));
    this.#add(row, announcement);
  }

  /** @param {Gift} given */
  gift(given) {
    const { name, uid, gift, count, text, amount, currency } = given;
    const row = element("li", "gift");
    row.append(element("bdi", "name", name || uid), element("bdi", "text", t("gives", { gift })));
    row.append(element("span", "count", `× ${count}`));
    if (amount !== null) row.append(" ", element("span", "money", money({ amount, currency })));
    if (text) row.append(" ", element("bdi", "text", text));
    this.#add(row, given);
  }

  /** @param {Paid} paid */
  paid(paid) {
    const row = element("li", "paid");
    row.append(element("bdi", "name", paid.name || paid.uid), element("span", "money", money(paid)));
    row.append(element("bdi", "text", paid.text));
    this.#add(row, paid);
  }

  /** Something about the room itself. @param {string} text */
  note(text) {
    this.#add(element("li", "note", text));
  }

  /** What a row tells of. @param {EventTarget | null} target something in it @returns {Said | null} */
  find(target) {
    const row = target instanceof Element ? target.closest("li") : null;
    return (row && this.#events.get(row)) ?? null;
  }

  /** What was taken back is gone from the list. @param {(event: Said) => boolean} isGone */
  recall(isGone) {
    const goes = (/** @type {Element} */ row) => {
      const event = this.#events.get(row);
      return event !== undefined && isGone(event);
    };
    this.#fresh = this.#fresh.filter((row) => !goes(row));
    this.#remove([...this.#list.children].filter(goes));
    this.#look();
  }

  /** @param {HTMLElement} row @param {Said | null} event */
  #add(row, event = null) {
    if (event !== null) this.#events.set(row, event);
    this.#fresh.push(row);
    if (this.#fresh.length > MOST_ROWS) this.#fresh.shift();
    const wait = Math.max(0, PAUSE_MS - (performance.now() - this.#flushedAt));
    this.#timer ||= setTimeout(() => this.#flush(), wait);
  }

  #flush() {
    this.#timer = 0;
    this.#flushedAt = performance.now();
    const fresh = this.#fresh;
    this.#fresh = [];
    if (fresh.length === 0) return; // taken back meanwhile
    this.#unread += fresh.length;
    this.#list.append(...fresh);
    const focused = document.activeElement;
    if (focused?.parentElement === this.#list && focused.matches(":focus-visible")) this.#isFollowing = false; // it is read by keyboard
    const grown = this.#isFollowing ? 0 : this.#list.scrollHeight; // asking for it lays out the list
    this.#remove([...this.#list.children].slice(0, -MOST_ROWS));
    if (this.#isFollowing) return this.#follow();
    this.#list.scrollTop -= grown - this.#list.scrollHeight; // what is being read stays where it is
    if (this.#below < 1) this.#unread = 0; // all is in view
    this.#tell();
  }

  /** The focus stays in the list and moves once: its row goes last. @param {Element[]} rows */
  #remove(rows) {
    const focused = rows.find((row) => row === document.activeElement);
    for (const row of rows) if (row !== focused) row.remove();
    if (!focused) return;
    const next = /** @type {HTMLElement | null} */ (focused.nextElementSibling ?? focused.previousElementSibling);
    if (next) next.tabIndex = -1;
    (next ?? this.#list).focus({ preventScroll: true });
    focused.remove();
  }

  /** Pixels of the list that are below what is in view. */
  get #below() {
    const { scrollTop, clientHeight, scrollHeight } = this.#list;
    return scrollHeight - scrollTop - clientHeight;
  }

  #look() {
    this.#isFollowing = this.#below < NEAR_END;
    if (this.#isFollowing) this.#unread = 0;
    this.#tell();
  }

  #follow() {
    this.#isFollowing = true;
    this.#unread = 0;
    this.#toEnd();
    this.#tell();
  }

  #toEnd() {
    this.#list.scrollTop = this.#list.scrollHeight;
  }

  #tell() {
    this.#newest.hidden = this.#isFollowing || this.#unread === 0;
    this.#newest.textContent = t("newest", { n: this.#unread });
  }
}

/** What walks a list is loaded as the focus comes there; the keys that are pressed meanwhile wait for it, though not for long. @param {HTMLElement} list @param {(row: Element) => void} pick */
export function walkWhenFocused(list, pick) {
  /** @type {string[]} */
  const keys = [];
  const keep = (/** @type {KeyboardEvent} */ event) => {
    if (!WALKED_BY.test(event.key) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    keys.push(event.key);
  };
  const begin = (/** @type {typeof import("./walking.js")} */ { walk }) => {
    list.removeEventListener("keydown", keep);
    walk(list, pick);
    for (const key of keys) {
      const focused = document.activeElement;
      if (list.contains(focused)) focused?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true })); // else one went on
    }
  };
  const giveUp = () => {
    list.removeEventListener("keydown", keep);
    keys.length = 0;
  };
  const wait = () => {
    giveUp();
    list.addEventListener("focus", come, { once: true });
  };
  const come = () => {
    list.addEventListener("keydown", keep);
    setTimeout(giveUp, PATIENCE_MS);
    import("./walking.js").then(begin, wait);
  };
  wait();
}
