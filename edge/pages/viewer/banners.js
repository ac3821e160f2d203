/**
 * The banners over the picture: what is said for a moment, and what holds for as long as it is so. Text is only ever text.
 *
 * @typedef {import("../sdk/protocol.js").Event} Event
 */

import { element } from "../shared/element.js";

const BANNER_MS = 9000;
const MOST_BANNERS = 3;

export class Banners {
  #box;
  /** What banners tell of. @type {WeakMap<Element, Event>} */
  #events = new WeakMap();
  /** @type {HTMLElement | null} */
  #lasting = null;

  /** @param {HTMLElement} box */
  constructor(box) {
    this.#box = box;
  }

  clear() {
    this.#box.replaceChildren();
  }

  /** What lasted is over. */
  settle() {
    this.#lasting?.remove();
  }

  /** What was taken back is gone. @param {(event: Event) => boolean} isGone */
  recall(isGone) {
    for (const banner of [...this.#box.children]) {
      const event = this.#events.get(banner);
      if (event !== undefined && isGone(event)) banner.remove();
    }
  }

  /**
   * @param {string} text
   * @param {{name?: string, isSober?: boolean, isLasting?: boolean, event?: Event | null}} [manner] sober: from the service itself;
   *   lasting: until that is over
   */
  show(text, { name = "", isSober = false, isLasting = false, event = null } = {}) {
    if (isLasting) this.settle();
    const banner = document.createElement("p");
    if (event !== null) this.#events.set(banner, event);
    banner.className = isSober ? "banner sober" : "banner";
    if (name) banner.append(element("bdi", "name", name));
    banner.append(element("bdi", "", text));
    this.#box.append(banner);
    if (isLasting) this.#lasting = banner;
    else setTimeout(() => banner.remove(), BANNER_MS);
    this.#thinOut();
  }

  /** What lasts stays; of the others the oldest go. */
  #thinOut() {
    const passing = [...this.#box.children].filter((one) => one !== this.#lasting);
    const over = Math.max(0, this.#box.childElementCount - MOST_BANNERS);
    for (const banner of passing.slice(0, over)) banner.remove();
  }
}
