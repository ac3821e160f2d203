/**
 * What stays in view: the pinned announcement, and what was paid for, each until its time is over. Text is only ever text.
 *
 * @typedef {import("../sdk/protocol.js").Announcement} Announcement
 * @typedef {import("../sdk/protocol.js").Paid | import("../sdk/protocol.js").Gift} Paid a comment or a gift
 */

import { element } from "../shared/element.js";
import { money } from "../shared/wording.js";

const MOST_PAID = 20; // that the service keeps in view, too
const MOST_WAIT = 2 ** 31 - 1; // that a timer can

export class Pins {
  #box;
  #now;
  /** @type {{key: string, until: number, row: HTMLElement, event: Announcement | Paid}[]} */
  #pins = [];
  #timer = 0;

  /** @param {HTMLElement} box @param {() => number} now ms since 1970 by the service's clock */
  constructor(box, now) {
    this.#box = box;
    this.#now = now;
  }

  clear() {
    this.#pins = [];
    this.#draw();
  }

  /** The newest takes the place of another one. @param {Announcement} announcement */
  announce(announcement) {
    const { name, text, until } = announcement;
    if (until === null || until <= this.#now()) return;
    const row = element("li", "pin");
    const lines = element("div", "lines");
    if (name) lines.append(element("bdi", "name", name));
    lines.append(element("bdi", "", text));
    row.append(lines);
    this.#put("announcement", until, row, announcement);
  }

  unpin() {
    this.#pins = this.#pins.filter((pin) => pin.key !== "announcement");
    this.#draw();
  }

  /** @param {Paid} paid @param {string} key where it stands */
  pay(paid, key) {
    const { kind, uid, name, text, amount, currency, until } = paid;
    if (amount === null || until === null || until <= this.#now()) return;
    const row = element("li", `pin ${kind}`);
    row.append(element("bdi", "name", name || uid), element("span", "money", money({ amount, currency })));
    if (kind === "gift") row.append(element("bdi", "given", `${paid.gift} × ${paid.count}`));
    if (text) row.append(element("bdi", "", text));
    this.#put(key, until, row, paid);
  }

  /** What was taken back is in view no longer. @param {(event: Announcement | Paid) => boolean} isGone */
  recall(isGone) {
    this.#pins = this.#pins.filter((pin) => !isGone(pin.event));
    this.#draw();
  }

  /** @param {string} key @param {number} until @param {HTMLElement} row @param {Announcement | Paid} event */
  #put(key, until, row, event) {
    this.#pins = this.#pins.filter((pin) => pin.key !== key);
    this.#pins.push({ key, until, row, event });
    this.#pins.sort((one, other) => rank(one) - rank(other) || other.until - one.until);
    this.#pins.length = Math.min(this.#pins.length, MOST_PAID + 1);
    this.#draw();
  }

  #draw() {
    clearTimeout(this.#timer);
    const now = this.#now();
    this.#pins = this.#pins.filter((pin) => pin.until > now);
    this.#box.replaceChildren(...this.#pins.map((pin) => pin.row));
    this.#box.hidden = this.#pins.length === 0;
    if (this.#pins.length === 0) return;
    const next = Math.min(...this.#pins.map((pin) => pin.until)) - now;
    this.#timer = setTimeout(() => this.#draw(), Math.min(next, MOST_WAIT));
  }
}

/** @param {{key: string}} pin */
function rank({ key }) {
  return key === "announcement" ? 0 : 1;
}
