/** Comments of all open rooms that wait for a moderator, oldest first. */

import { element, person } from "../shared/element.js";
import { isAtLeast } from "../shared/identity.js";
import { knows, t } from "../shared/language.js";
import { button, nothing, when } from "../shared/parts.js";
import { focusedRow, focusRow, walkWithArrows } from "../shared/roving.js";

/** @typedef {import("./watch.js").Held} Held */
const MOST = 100;
/** @type {Record<string, "approve" | "deny">} */
const KEYS = { a: "approve", x: "deny" };

const WORD = "word ";

/** What the service says, in the words of the page; a webhook's own reasons as they are. @param {string} why */
function whyOf(why) {
  if (why.startsWith(WORD)) return t("held.why.word", { word: why.slice(WORD.length) });
  return knows(`held.why.${why}`) ? t(`held.why.${why}`) : why;
}

export class HeldPanel {
  #box;
  #context;
  #list = element("div", "rows");
  #empty = nothing("");
  /** @type {Map<Element, {room: string, held: Held}>} */
  #waiting = new Map();
  /** Decided here, and told by no answer yet. @type {Set<string>} */
  #decided = new Set();

  /** @param {HTMLElement} box @param {import("./panel.js").Context} context */
  constructor(box, context) {
    this.#box = box;
    this.#context = context;
    this.#list.tabIndex = 0;
    this.#list.setAttribute("role", "feed");
    this.#list.setAttribute("aria-label", t("held.label"));
    walkWithArrows(this.#list);
    this.#list.addEventListener("keydown", (event) => this.#press(event));
    box.append(element("p", "hint", t("held.hint")), this.#empty, this.#list);
  }

  /** How many wait. */
  get count() {
    return this.#all().length;
  }

  open() {
    this.changed();
  }

  changed() {
    const all = this.#all().slice(0, MOST);
    const rows = new Map([...this.#waiting].map(([row, one]) => [keyOf(one), row]));
    const had = focusedRow(this.#list);
    const at = had === null ? -1 : [...this.#list.children].indexOf(had);
    const was = had === null ? undefined : this.#waiting.get(had);
    this.#waiting = new Map(all.map((one) => [rows.get(keyOf(one)) ?? this.#draw(one), one]));
    for (const row of [...this.#list.children]) if (!this.#waiting.has(row)) row.remove();
    let next = this.#list.firstElementChild;
    for (const row of this.#waiting.keys()) { // what stays is not moved, for it would lose the focus
      if (row === next) next = row.nextElementSibling;
      else this.#list.insertBefore(row, next);
    }
    const columns = this.#context.columns();
    const mayLook = columns.length === 0 || columns.some(({ role }) => isAtLeast(role, "moderator"));
    this.#empty.textContent = t(columns.length === 0 ? "rooms.none" : "held.none");
    this.#empty.hidden = all.length > 0 || !mayLook;
    this.#list.hidden = all.length === 0;
    if (had === null || had.isConnected) return;
    if (was !== undefined && this.#decided.has(keyOf(was))) this.#focus(Math.min(at, all.length - 1));
    else (all.length > 0 ? this.#list : this.#box).focus(); // a key that was meant for it is not for the next one
  }

  /** To the one that waits longest. */
  enter() {
    this.#focus(0);
  }

  #all() {
    const all = this.#context.columns().flatMap((column) => column.held.map((held) => ({ room: column.name, held })));
    return all.filter((one) => !this.#decided.has(keyOf(one))).sort((a, b) => a.held.at - b.held.at);
  }

  /** @param {number} at */
  #focus(at) {
    const row = /** @type {HTMLElement | undefined} */ (this.#list.children[at]);
    if (row !== undefined) focusRow(row);
    else this.#box.focus();
  }

  /** @param {{room: string, held: Held}} one */
  #draw({ room, held }) {
    const row = element("article", "card held");
    row.tabIndex = -1;
    const head = element("p", "row wrap");
    head.append(element("span", "badge", room), person(held.uid, held.name), element("bdi", "uid", held.uid), element("time", "hint", when(held.at)));
    const decisions = element("p", "row wrap");
    decisions.append(
      button(t("held.approve"), () => void this.#decide(row, "approve"), "primary"),
      button(t("held.deny"), () => void this.#decide(row, "deny"), "danger"),
      button(t("act.card"), () => this.#context.openCard(room, held.uid), "quiet"),
    );
    row.append(head, element("bdi", "text", held.text), element("p", "hint", t("held.why", { why: whyOf(held.why) })), decisions);
    return row;
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    const row = focusedRow(this.#list);
    const decision = KEYS[event.key];
    if (row === null || decision === undefined || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    void this.#decide(row, decision);
  }

  /** @param {Element} row @param {"approve" | "deny"} decision */
  async #decide(row, decision) {
    const one = this.#waiting.get(row);
    if (one === undefined) return;
    const key = keyOf(one);
    this.#decided.add(key);
    this.changed();
    if ((await this.#context.acts.decide(one.room, one.held, decision)) === null) {
      this.#decided.delete(key);
      this.changed();
    }
    if (this.#decided.size > MOST) this.#decided = new Set([...this.#decided].slice(-MOST / 2));
  }
}

/** @param {{room: string, held: Held}} one */
function keyOf({ room, held }) {
  return `${room} ${held.id}`;
}
