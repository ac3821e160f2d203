/** What forms and lists of pages are made of. */

import { element } from "./element.js";
import { language } from "./language.js";

const moment = new Intl.DateTimeFormat(language(), { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** @param {number} at in ms since 1970 */
export function when(at) {
  return moment.format(at);
}

/** @param {string} text @param {() => void} act @param {string} [className] @returns {HTMLButtonElement} */
export function button(text, act, className = "") {
  const made = /** @type {HTMLButtonElement} */ (element("button", className, text));
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}

/** A field with its label. @template {HTMLElement} T @param {string} id @param {string} text @param {T} input */
export function field(id, text, input) {
  const box = element("div", "field");
  const label = /** @type {HTMLLabelElement} */ (element("label", "", text));
  label.htmlFor = input.id = id;
  box.append(label, input);
  return box;
}

/** @param {string} type @returns {HTMLInputElement} */
export function input(type = "text") {
  const made = document.createElement("input");
  made.type = type;
  made.autocomplete = "off";
  made.spellcheck = false;
  return made;
}

/** @param {[string, string][]} options value and text */
export function select(options) {
  const made = document.createElement("select");
  made.append(...options.map(([value, text]) => new Option(text, value)));
  return made;
}

/** As `nothing`, in a list. @param {string} text @returns {HTMLElement} */
export function nothingRow(text) {
  const row = element("li");
  row.append(nothing(text));
  return row;
}

/** @param {string} text @returns {HTMLElement} what is said where there is nothing */
export function nothing(text) {
  return element("p", "empty", text);
}
