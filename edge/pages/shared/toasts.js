/** What became of what one did, said once: a line that is read aloud, and goes by itself unless it is to be kept. */

import { element } from "./element.js";
import { t } from "./language.js";

const SHOWN_MS = 6_000;
const WITH_BUTTON_MS = 12_000; // who wants to press it has to read it first
const MOST = 4;

export class Toasts {
  #box;

  /** @param {HTMLElement} box with class `toasts` and `aria-live` */
  constructor(box) {
    this.#box = box;
  }

  /** @param {string} text @param {{label: string, act: () => void} | null} [button] */
  good(text, button = null) {
    this.#show("good", text, button, button === null ? SHOWN_MS : WITH_BUTTON_MS);
  }

  /** @param {string} text */
  bad(text) {
    this.#show("bad", text, null, SHOWN_MS);
  }

  /** What was not done, and is to be done again: until one puts it away. @param {string} text */
  keep(text) {
    this.#show("bad", text, { label: t("toast.close"), act: () => {} }, null);
  }

  /** Nothing of it is for who looks now. */
  clear() {
    this.#box.replaceChildren();
  }

  /**
   * @param {string} kind @param {string} text @param {{label: string, act: () => void} | null} button
   * @param {number | null} ms how long; null: until its button is pressed
   */
  #show(kind, text, button, ms) {
    const toast = element("div", `toast ${kind}`);
    toast.append(element("span", "", text));
    if (button !== null) {
      const pressed = /** @type {HTMLButtonElement} */ (element("button", "link", button.label));
      /** Where one came from to press it. @type {EventTarget | null} */
      let before = null;
      pressed.type = "button";
      pressed.addEventListener("focus", ({ relatedTarget }) => (before = relatedTarget));
      pressed.addEventListener("click", () => {
        toast.remove();
        if (before instanceof HTMLElement) before.focus();
        button.act();
      });
      toast.append(" ", pressed);
    }
    this.#host();
    this.#box.append(toast);
    toast.classList.toggle("kept", ms === null);
    // What is kept makes room for nothing else; of that, too, there are only so many.
    for (const kind of [".kept", ":not(.kept)"]) {
      for (const old of [...this.#box.querySelectorAll(`.toast${kind}`)].slice(0, -MOST)) old.remove();
    }
    if (ms !== null) fade(toast, ms);
  }

  /** Behind a dialog nothing is seen, pressed or read: while one is open, it is said there. */
  #host() {
    const dialog = [...document.querySelectorAll("dialog[open]")].at(-1);
    const host = dialog ?? document.body;
    if (this.#box.parentElement !== host) host.append(this.#box);
    dialog?.addEventListener("close", () => document.body.append(this.#box), { once: true });
  }
}

/** Not while somebody is about to press it. @param {HTMLElement} toast @param {number} ms */
function fade(toast, ms) {
  setTimeout(() => (toast.contains(document.activeElement) ? fade(toast, ms) : toast.remove()), ms);
}
