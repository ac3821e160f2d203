/**
 * What the page says about the connection, and the banners over the picture.
 *
 * @typedef {import("../sdk/connection.js").State} State
 * @typedef {import("../sdk/protocol.js").Event} Event
 */

import { element } from "./element.js";
import { knows, t } from "./language.js";

const BANNER_MS = 9000;
const MOST_BANNERS = 3;

export class Status {
  #box;
  #text;
  #button;
  #timer = 0;

  /** @param {HTMLElement} box @param {HTMLElement} text @param {HTMLButtonElement} button @param {() => void} retry */
  constructor(box, text, button, retry) {
    this.#box = box;
    this.#text = text;
    this.#button = button;
    button.addEventListener("click", retry);
  }

  /** @param {State} state */
  show(state) {
    clearTimeout(this.#timer);
    this.#box.dataset.phase = state.phase;
    this.#box.title = "reason" in state ? state.reason : "";
    this.#button.hidden = state.phase !== "waiting" && state.phase !== "refused";
    this.#button.textContent = t(state.phase === "refused" ? "connection.again" : "connection.now");
    const wait = document.createElement("span");
    wait.ariaHidden = "true"; // nobody wants each second read aloud
    this.#text.replaceChildren(saying(state), wait);
    if (state.phase === "waiting") this.#countDown(state.until, wait);
  }

  /** Only the seconds change: what is read aloud stays. @param {number} until @param {HTMLElement} wait */
  #countDown(until, wait) {
    wait.textContent = t("connection.in", { n: Math.max(0, Math.ceil((until - performance.now()) / 1000)) });
    this.#timer = setTimeout(() => this.#countDown(until, wait), 500);
  }
}

/** @param {State} state */
function saying(state) {
  if (state.phase !== "refused") return t(`connection.${state.phase}`);
  const key = `refusal.${state.name}`;
  return t("connection.refused", { why: knows(key) ? t(key) : state.reason });
}

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
    while (this.#box.childElementCount > MOST_BANNERS) this.#box.firstElementChild?.remove();
    if (isLasting) this.#lasting = banner;
    else setTimeout(() => banner.remove(), BANNER_MS);
  }
}
