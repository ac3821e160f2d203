/**
 * What the head of a page says about the connection.
 *
 * @typedef {import("../sdk/connection.js").State} State
 */

import { part } from "./dialog.js";
import { element } from "./element.js";
import { t } from "./language.js";
import { refused } from "./wording.js";

export class Status {
  #box = part("connection");
  #text = part("connection-text");
  #button = /** @type {HTMLButtonElement} */ (part("connection-button"));
  #barred = element("p", "barred");
  #timer = 0;

  /** @param {() => void} retry */
  constructor(retry) {
    this.#barred.role = "alert";
    this.#button.addEventListener("click", retry);
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
    if (state.phase !== "connecting") this.#bar("name" in state && state.name === "upgrade_required" ? state.reason : "");
  }

  /** What it may be that no connection ever came about stands there until one does. @param {string} reason */
  #bar(reason) {
    if ((reason !== "") === this.#barred.isConnected) return; // else it is read aloud again
    this.#barred.textContent = reason && refused({ name: "upgrade_required", message: reason });
    if (reason === "") this.#barred.remove();
    else document.body.append(this.#barred);
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
  return t("connection.refused", { why: refused({ name: state.name, message: state.reason }) });
}
