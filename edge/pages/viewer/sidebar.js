/**
 * The list of comments beside the picture: bounded, newest last, following along unless the reader
 * has scrolled up. Rows are gathered and put in once per frame. Text is only ever text.
 *
 * @typedef {import("../sdk/protocol.js").Comment} Comment
 * @typedef {import("../sdk/protocol.js").Announcement} Announcement
 * @typedef {import("../sdk/protocol.js").Gift} Gift
 * @typedef {Comment | Announcement | Gift | import("../sdk/protocol.js").Paid} Said
 * @typedef {import("../sdk/protocol.js").Paid} Paid
 */

import { cssColor, luminance } from "../overlay/sprites.js";
import { isStaff } from "../sdk/protocol.js";
import { money } from "../shared/wording.js";

const MOST_ROWS = 200;
const NEAR_END = 48; // pixels
const READABLE = 0.4; // how bright a comment's colour must be to be used on the dark list

export class Sidebar {
  #list;
  #newest;
  /** @type {HTMLElement[]} */
  #fresh = [];
  #request = 0;
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
    new ResizeObserver(() => this.#isFollowing && this.#toEnd()).observe(list);
  }

  clear() {
    this.#fresh = [];
    this.#list.replaceChildren();
    this.#follow();
  }

  /** @param {Comment} comment @param {boolean} isOwn */
  comment(comment, isOwn) {
    const row = element("li", isOwn ? "own" : "");
    if (isStaff(comment.role)) row.append(element("span", `badge ${comment.role}`, comment.role));
    const name = element("bdi", "name", comment.name || comment.uid);
    name.style.color = nameColor(comment.uid);
    const text = element("bdi", "text", comment.text);
    if (luminance(comment.color) >= READABLE) text.style.color = cssColor(comment.color);
    row.append(name, text);
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
    const { name, uid, gift, count, text } = given;
    const row = element("li", "gift");
    row.append(element("bdi", "name", name || uid), element("bdi", "text", `gives ${gift} `));
    row.append(element("span", "count", `× ${count}`));
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

  /** What was taken back is gone from the list. @param {(event: Said) => boolean} isGone */
  recall(isGone) {
    const goes = (/** @type {Element} */ row) => {
      const event = this.#events.get(row);
      return event !== undefined && isGone(event);
    };
    this.#fresh = this.#fresh.filter((row) => !goes(row));
    for (const row of [...this.#list.children]) if (goes(row)) row.remove();
    this.#look();
  }

  /** @param {HTMLElement} row @param {Said | null} event */
  #add(row, event = null) {
    if (event !== null) this.#events.set(row, event);
    this.#fresh.push(row);
    if (this.#fresh.length > MOST_ROWS) this.#fresh.shift();
    // no frames come while the tab is hidden: the bound holds then too
    this.#request ||= requestAnimationFrame(() => this.#flush());
  }

  #flush() {
    this.#request = 0;
    this.#unread += this.#fresh.length;
    const before = this.#list.scrollHeight;
    this.#list.append(...this.#fresh);
    this.#fresh = [];
    const grown = this.#list.scrollHeight;
    while (this.#list.childElementCount > MOST_ROWS) this.#list.firstElementChild?.remove();
    if (this.#isFollowing) this.#follow();
    else {
      this.#list.scrollTop -= grown - this.#list.scrollHeight; // what is being read stays where it is
      if (grown > before) this.#tell();
    }
  }

  #look() {
    const { scrollTop, clientHeight, scrollHeight } = this.#list;
    this.#isFollowing = scrollHeight - scrollTop - clientHeight < NEAR_END;
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
    this.#newest.textContent = `${this.#unread} new ↓`;
  }
}

/** @param {string} tag @param {string} className @param {string} text */
function element(tag, className, text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

/** The same person always has the same colour. @param {string} uid */
function nameColor(uid) {
  let hash = 0x811c9dc5;
  for (const character of uid) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d); // uids that are alike shall not look alike
  return `hsl(${((hash ^ (hash >>> 13)) >>> 0) % 360} 75% 76%)`;
}
