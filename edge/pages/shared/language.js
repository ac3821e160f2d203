/**
 * What pages say, in the reader's language: the chosen one, else the first of the browser's that is spoken here.
 *
 * Texts are in dictionaries, one file a page and language; what pages share is in shared/. The HTML is in English
 * and names its texts for other languages: `data-t` that of an element, `data-t-label`, `data-t-title` and
 * `data-t-placeholder` those of its attributes. Text is only ever text.
 *
 * @typedef {string | {one: string, other: string}} Text `{name}` is replaced by a value; `n` chooses between one and other
 * @typedef {Record<string, Text>} Dictionary
 */

import { ever, read, write } from "./storage.js";
import en from "./words.en.js";
import zh from "./words.zh-CN.js";

/** Each in its own words. */
export const LANGUAGES = /** @type {Record<string, string>} */ ({ en: "English", "zh-CN": "简体中文" });
const KEY = "danmaku.language";
const ATTRIBUTES = { label: "aria-label", title: "title", placeholder: "placeholder" };

/** @type {Record<string, Dictionary>} */
const words = { en: { ...en }, "zh-CN": { ...zh } };
const spoken = chosenLanguage() || firstSpoken(navigator.languages ?? [navigator.language]);
const plural = new Intl.PluralRules(spoken);

/** What a page says besides. @param {Record<string, Dictionary>} dictionaries by language */
export function learn(dictionaries) {
  for (const [name, dictionary] of Object.entries(dictionaries)) Object.assign(words[name] ?? {}, dictionary);
}

/** The language that is spoken, as Intl wants it. */
export function language() {
  return spoken;
}

/** What was chosen; "" for as the browser has it. */
export function chosenLanguage() {
  const kept = read(ever, KEY) ?? "";
  return kept in LANGUAGES ? kept : "";
}

/** Holds when the page is loaded again. @param {string} name "" for as the browser has it */
export function chooseLanguage(name) {
  write(ever, KEY, name);
}

/** A text. One that is in no dictionary is its key, which tests find. @param {string} key @param {Record<string, unknown>} [values] */
export function t(key, values = {}) {
  const text = find(key) ?? key;
  const form = typeof text === "string" ? text : text[plural.select(Number(values.n)) === "one" ? "one" : "other"];
  return form.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** @param {string} key */
export function knows(key) {
  return find(key) !== undefined;
}

/** A time of day as feeds have it, with its date where that is not today. @param {number} at in ms since 1970 @param {Intl.DateTimeFormatOptions} [how] */
export function timeOf(at, how) {
  const when = new Date(at);
  const clock = when.toLocaleTimeString(spoken, { hourCycle: "h23", ...how });
  return when.toDateString() === new Date().toDateString() ? clock : `${when.toLocaleDateString(spoken)} ${clock}`;
}

/** With a capital letter, where there are any. @param {string} message */
export function sentence(message) {
  return message.charAt(0).toUpperCase() + message.slice(1);
}

/** Put the texts in that the HTML names. @param {ParentNode} root */
export function translate(root = document) {
  document.documentElement.lang = spoken;
  if (spoken === "en") return;
  for (const element of root.querySelectorAll("[data-t]")) {
    element.textContent = t(/** @type {HTMLElement} */ (element).dataset.t ?? "");
  }
  for (const [short, attribute] of Object.entries(ATTRIBUTES)) {
    for (const element of root.querySelectorAll(`[data-t-${short}]`)) {
      element.setAttribute(attribute, t(element.getAttribute(`data-t-${short}`) ?? ""));
    }
  }
}

/** @param {string} key */
function find(key) {
  const own = words[spoken];
  return Object.hasOwn(own, key) ? own[key] : Object.hasOwn(words.en, key) ? words.en[key] : undefined;
}

/** @param {readonly string[]} wanted */
function firstSpoken(wanted) {
  for (const name of wanted) {
    const family = name.toLowerCase().split("-")[0];
    if (family === "zh") return "zh-CN";
    if (family === "en") return "en";
  }
  return "en";
}
