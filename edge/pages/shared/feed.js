/**
 * What a room shows, newest last, bounded. It stands still while somebody reads: the pointer is over it, it was scrolled up, the focus is
 * in it, or it was paused; what comes meanwhile waits, bounded too, and is told by its number.
 */

import { takes } from "../sdk/recalls.js";
import { element } from "./element.js";
import { t } from "./language.js";
import { focusedRow, focusRow, walkWithArrows } from "./roving.js";

/** @typedef {import("./entry.js").Entry} Entry */
/** @typedef {import("../sdk/protocol.js").Recall} Recall */
/** @typedef {import("../sdk/protocol.js").Position} Position */

const MOST_ROWS = 300;
const NEAR_END = 24;
const ONWARD = new Set(["ArrowDown", "PageDown", "End"]);

export class Feed {
  #list = element("div", "feed");
  #newest = /** @type {HTMLButtonElement} */ (element("button", "newest"));
  #state = element("p", "reading hint");
  /** What rows tell of. @type {Map<Element, Entry>} */
  #entries = new Map();
  /** @type {HTMLElement[]} */
  #fresh = [];
  #paused;
  #request = 0;
  #isHovered = false;
  #isAtEnd = true;
  #isPaused = false;
  #dropped = 0;

  /**
   * @param {HTMLElement} box @param {string} label @param {(entry: Entry, row: HTMLElement) => void} pointed one is looked at closely
   * @param {(isPaused: boolean) => void} paused it was paused, or goes on
   */
  constructor(box, label, pointed, paused = () => {}) {
    this.#paused = paused;
    this.#list.setAttribute("aria-label", label);
    this.#list.dataset.empty = t("feed.empty");
    this.#list.tabIndex = 0;
    this.#newest.type = "button";
    this.#newest.hidden = true;
    this.#newest.addEventListener("click", () => {
      this.#list.focus({ preventScroll: true }); // the button is gone then
      this.follow();
    });
    box.append(this.#list, this.#newest, this.#state);
    this.#tell();
    this.#list.addEventListener("keydown", (event) => this.#walks(event));
    walkWithArrows(this.#list);
    this.#list.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#list.addEventListener("pointerenter", (event) => this.#hover(event.pointerType === "mouse"));
    this.#list.addEventListener("pointerleave", () => this.#hover(false));
    this.#list.addEventListener("focusout", () => this.#schedule());
    for (const kind of ["pointerover", "focusin"]) {
      this.#list.addEventListener(kind, (event) => {
        const row = event.target instanceof Element ? event.target.closest(".entry") : null;
        const entry = row && this.#entries.get(row);
        if (entry) pointed(entry, /** @type {HTMLElement} */ (row));
      });
    }
  }

  get isPaused() {
    return this.#isPaused;
  }

  /** The comment in which the focus is. @returns {Entry | null} */
  get focused() {
    const row = focusedRow(this.#list);
    return (row && this.#entries.get(row)) ?? null;
  }

  /** As whom somebody spoke last; "" where nobody knows. @param {string} uid */
  nameOf(uid) {
    return [...this.#entries.values()].findLast((entry) => entry.uid === uid)?.name ?? "";
  }

  /** @param {Entry} entry */
  show(entry) {
    this.#entries.set(entry.row, entry);
    this.note(entry.row);
  }

  /** @param {HTMLElement} row */
  note(row) {
    this.#fresh.push(row);
    if (this.#fresh.length > MOST_ROWS) this.#forget(this.#fresh.shift());
    this.#schedule();
  }

  /** @param {Recall} recall @param {Position} at */
  recall(recall, at) {
    for (const entry of this.#entries.values()) {
      if (takes(recall, at, entry.event, entry.position)) entry.recall("");
    }
  }

  /** The record says who took something back. @param {string} place `epoch-seq`, or "" @param {string} uid or "" @param {string} by @param {number} at */
  recalledBy(place, uid, by, at) {
    for (const entry of this.#entries.values()) {
      const isMeant = place === "" ? (uid === "" || uid === entry.uid) && entry.at <= at : place === entry.place;
      if (isMeant && entry.recalledBy === "") entry.recall(by);
    }
  }

  clear() {
    this.#entries.clear();
    this.#fresh = [];
    this.#list.replaceChildren();
    this.#tell();
  }

  /** @param {boolean} isPaused */
  pause(isPaused) {
    this.#hold(isPaused);
    if (!isPaused) this.#isAtEnd = true;
    this.#flush();
  }

  /** Show what waits, and go on. */
  follow() {
    this.#hold(false);
    this.#isHovered = false;
    this.#isAtEnd = true;
    if (focusedRow(this.#list) !== null) this.#list.focus({ preventScroll: true });
    this.#flush();
  }

  /** @param {boolean} isPaused */
  #hold(isPaused) {
    this.#isPaused = isPaused;
    this.#paused(isPaused);
  }

  /** To the newest comment, also of those that wait. */
  enter() {
    this.#append();
    this.enterShown();
  }

  /** To the newest comment of those one sees; where there is none to what else is the last. */
  enterShown() {
    const rows = [...this.#list.children];
    const newest = rows.findLast((row) => this.#entries.has(row)) ?? rows.at(-1);
    if (newest === undefined) this.#list.focus();
    else focusRow(/** @type {HTMLElement} */ (newest));
    this.#tell();
  }

  /** One walks on to what waits; to the newest, where one was at none. @param {KeyboardEvent} event */
  #walks({ key, ctrlKey, altKey, metaKey }) {
    if (!ONWARD.has(key) || ctrlKey || altKey || metaKey) return;
    const row = focusedRow(this.#list);
    if (row === null) {
      this.enter();
    } else if (key === "End" || row === this.#list.lastElementChild) {
      this.#append();
      this.#tell();
    }
  }

  get #isRead() {
    return this.#isPaused || this.#isHovered || !this.#isAtEnd || focusedRow(this.#list) !== null;
  }

  #schedule() {
    // no frames come while the tab is hidden: the bound holds then too
    this.#request ||= requestAnimationFrame(() => this.#flush());
  }

  #flush() {
    cancelAnimationFrame(this.#request);
    this.#request = 0;
    if (!this.#isRead) this.#append();
    this.#tell();
  }

  #append() {
    this.#list.append(...this.#fresh);
    this.#fresh = [];
    this.#dropped = 0;
    while (this.#list.childElementCount > MOST_ROWS) {
      this.#forget(this.#list.firstElementChild);
      this.#list.firstElementChild?.remove();
    }
    this.#list.scrollTop = this.#list.scrollHeight;
  }

  /** @param {Element | null | undefined} row */
  #forget(row) {
    if (!row) return;
    this.#entries.delete(row);
    if (!row.isConnected) this.#dropped += 1;
  }

  #tell() {
    this.#list.setAttribute("role", this.#list.childElementCount > 0 ? "feed" : "group"); // no feed is without articles
    const waiting = this.#fresh.length + this.#dropped;
    this.#newest.hidden = waiting === 0;
    this.#newest.textContent = t("feed.waiting", { n: waiting });
    this.#state.textContent = this.#isRead ? t("feed.still") : "";
  }

  /** @param {boolean} isHovered */
  #hover(isHovered) {
    this.#isHovered = isHovered;
    this.#flush();
  }

  #scrolled() {
    const { scrollTop, clientHeight, scrollHeight } = this.#list;
    const isAtEnd = scrollHeight - scrollTop - clientHeight < NEAR_END;
    if (isAtEnd === this.#isAtEnd) return;
    this.#isAtEnd = isAtEnd;
    this.#schedule();
  }
}
