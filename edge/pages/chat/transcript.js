/**
 * The messages of the conversation that is looked at: bounded, newest last, following along unless the
 * reader has scrolled up. Of one who reads far back the newest go, and are read anew when he is at the end again.
 *
 * @typedef {import("../sdk/protocol.js").Chat} Chat
 * @typedef {import("./inbox.js").Conversation} Conversation
 */

import { rowOf, takenBack, tick } from "./message-row.js";

const MOST_ROWS = 500;
const MOST_BACK = 1_500; // while somebody reads what was said before
const NEAR_END = 48; // pixels

export class Transcript {
  #scroller;
  #list;
  #newest;
  #recall;
  #atEnd;
  #renew;
  /** The newest had to go. */
  #isCut = false;
  /** @type {Conversation | null} */
  #conversation = null;
  #me = "";
  /** Seqs that were taken back. @type {Set<number>} */
  #gone = new Set();
  /** @type {Map<number, HTMLElement>} */
  #rows = new Map();
  #isFollowing = true;
  /** Whether some that were there had to go. */
  hasForgotten = false;

  /**
   * @param {HTMLElement} scroller @param {HTMLElement} list @param {HTMLButtonElement} newest leads back to the end
   * @param {(seq: number) => void} recall @param {() => void} atEnd the newest message is in sight
   * @param {() => void} renew read it anew, from the newest
   */
  constructor(scroller, list, newest, recall, atEnd, renew) {
    this.#scroller = scroller;
    this.#list = list;
    this.#newest = newest;
    this.#recall = recall;
    this.#atEnd = atEnd;
    this.#renew = renew;
    scroller.addEventListener("scroll", () => this.#look(), { passive: true });
    newest.addEventListener("click", () => this.#toEnd());
    const sizes = new ResizeObserver(() => this.#isFollowing && this.#toEnd());
    sizes.observe(scroller);
    sizes.observe(list); // an image came
  }

  get isFollowing() {
    return this.#isFollowing;
  }

  /** The lowest seq that is there; null while nothing is. */
  get first() {
    return this.#rows.size === 0 ? null : Math.min(...this.#rows.keys());
  }

  /** @param {Conversation} conversation @param {string} me */
  open(conversation, me) {
    this.#conversation = conversation;
    this.#me = me;
    this.hasForgotten = this.#isCut = false;
    this.#gone.clear();
    this.#rows.clear();
    this.#list.replaceChildren();
    this.#toEnd();
  }

  /** Messages in any order; who comes again takes the place of the one before. @param {Chat[]} messages */
  add(messages) {
    const fromEnd = this.#scroller.scrollHeight - this.#scroller.scrollTop;
    const last = Math.max(0, ...this.#rows.keys());
    for (const message of messages) {
      if (message.kind === "recall" && message.of !== undefined) this.#takeBack(message.of);
      if (!this.#isCut || message.seq < last) this.#put(message.seq, this.#row(message));
    }
    this.#forget();
    if (this.#isFollowing) this.#toEnd();
    else if (messages.every((one) => one.seq < last)) this.#scroller.scrollTop = this.#scroller.scrollHeight - fromEnd;
    else this.#newest.hidden = false;
  }

  /** What is known to be read by now. */
  showTicks() {
    const upTo = this.#conversation?.otherRead ?? 0;
    for (const [seq, row] of this.#rows) {
      if (seq <= upTo) tick(row);
    }
  }

  /** @param {number} seq */
  #takeBack(seq) {
    this.#gone.add(seq);
    if (this.#rows.has(seq)) this.#put(seq, takenBack());
  }

  /** @param {number} seq @param {HTMLElement} made */
  #put(seq, made) {
    const before = this.#rows.get(seq);
    this.#rows.set(seq, made);
    made.dataset.seq = String(seq);
    if (before !== undefined) {
      before.replaceWith(made);
      return;
    }
    let next = null; // from the end: nearly all are new
    for (let one = this.#list.lastElementChild; one !== null; one = one.previousElementSibling) {
      if (Number(/** @type {HTMLElement} */ (one).dataset.seq) < seq) break;
      next = one;
    }
    this.#list.insertBefore(made, next);
  }

  /** Who reads far back keeps what he reads, and the newest go; else the oldest. */
  #forget() {
    while (!this.#isFollowing && this.#rows.size > MOST_BACK) {
      const newest = /** @type {HTMLElement} */ (this.#list.lastElementChild);
      this.#rows.delete(Number(newest.dataset.seq));
      newest.remove();
      this.#isCut = true;
      this.#newest.hidden = false;
    }
    while (this.#isFollowing && this.#rows.size > MOST_ROWS) {
      const oldest = /** @type {HTMLElement} */ (this.#list.firstElementChild);
      this.#rows.delete(Number(oldest.dataset.seq));
      oldest.remove();
      this.hasForgotten = true;
    }
  }

  /** @param {Chat} message */
  #row(message) {
    if (this.#gone.has(message.seq)) return takenBack();
    const { isGroup = false, role = "", otherRead = 0 } = this.#conversation ?? {};
    const mayRecall = isGroup && (role === "owner" || role === "admin");
    return rowOf(message, { me: this.#me, isGroup, mayRecall, otherRead }, () => this.#recall(message.seq));
  }

  #toEnd() {
    if (this.#isCut) return this.#renew();
    this.#isFollowing = true;
    this.#newest.hidden = true;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#atEnd();
  }

  #look() {
    const below = this.#scroller.scrollHeight - this.#scroller.scrollTop - this.#scroller.clientHeight;
    const wasFollowing = this.#isFollowing;
    if (this.#isCut && below < NEAR_END) return this.#renew();
    this.#isFollowing = below < NEAR_END;
    if (!this.#isFollowing) return;
    this.#newest.hidden = true;
    if (!wasFollowing) this.#atEnd();
  }
}
