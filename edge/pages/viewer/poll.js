/**
 * The card of the open poll: one vote, live bars, and for a while what came of it.
 *
 * @typedef {import("../sdk/protocol.js").Poll} Poll
 * @typedef {import("../sdk/protocol.js").Refusal} Refusal
 */

import { element } from "../shared/element.js";
import { sentence } from "../shared/language.js";
import { shares } from "../shared/wording.js";

const RESULT_MS = 20_000;

export class PollCard {
  #box;
  #vote;
  #now;
  /** @type {Poll | null} */
  #poll = null;
  /** @type {number[]} */
  #counts = [];
  #mine = -1;
  #mayVote = false;
  #isOver = false;
  #isBusy = false;
  #says = "";
  #timer = 0;
  /** The polls voted in while this page is open, by id. @type {Map<string, number>} */
  #voted = new Map();

  /**
   * @param {HTMLElement} box @param {(poll: string, option: number) => Promise<unknown>} vote
   * @param {() => number} now ms since 1970 by the service's clock
   */
  constructor(box, vote, now) {
    this.#box = box;
    this.#vote = vote;
    this.#now = now;
  }

  /** Guests are shown how it stands, and nothing to press. @param {string} role */
  allow(role) {
    const mayVote = role !== "guest";
    if (mayVote === this.#mayVote) return;
    this.#mayVote = mayVote;
    this.#draw();
  }

  clear() {
    this.#poll = null;
    this.#draw();
  }

  /** @param {Poll} poll @param {number[] | null} counts how it stands, if that is known */
  open(poll, counts = null) {
    if (poll.id === this.#poll?.id && this.#isOver) return; // history may be a moment ahead
    if (poll.id !== this.#poll?.id) this.#says = "";
    this.#poll = poll;
    this.#counts = poll.options.map((_, option) => counts?.[option] ?? 0);
    this.#mine = this.#voted.get(poll.id) ?? -1;
    this.#isOver = false;
    this.#draw();
  }

  /** @param {string | undefined} id @param {number[] | undefined} counts */
  count(id, counts) {
    if (id === undefined || counts === undefined || id !== this.#poll?.id || this.#isOver) return;
    this.#counts = counts;
    this.#draw();
  }

  /** What came of it; of one that was not shown here nothing is. @param {string} id @param {number[]} counts */
  close(id, counts) {
    if (id !== this.#poll?.id) return;
    this.#counts = counts;
    this.#isOver = true;
    this.#says = "";
    this.#draw();
    this.#timer = setTimeout(() => this.clear(), RESULT_MS);
  }

  /** @param {number} option */
  async #choose(option) {
    const poll = this.#poll;
    if (poll === null || this.#isBusy) return;
    this.#isBusy = true;
    try {
      await this.#vote(poll.id, option);
      this.#voted.set(poll.id, option);
      if (poll === this.#poll || poll.id === this.#poll?.id) this.#mine = option;
      this.#says = "";
    } catch (error) {
      this.#says = sentence(/** @type {Refusal} */ (error).message);
    }
    this.#isBusy = false;
    this.#draw();
  }

  #draw() {
    clearTimeout(this.#timer);
    const poll = this.#poll;
    this.#box.hidden = poll === null;
    if (poll === null) {
      this.#box.replaceChildren();
      return;
    }
    const focused = this.#box.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement).dataset.option : undefined;
    const left = poll.until === null ? 0 : poll.until - this.#now();
    const isOpen = !this.#isOver && (poll.until === null || left > 0);
    const list = element("ul", "options");
    const parts = shares(this.#counts);
    poll.options.forEach((option, place) => list.append(this.#option(option, place, parts[place] ?? 0, isOpen)));
    const total = this.#counts.reduce((sum, count) => sum + count, 0);
    const state = !isOpen ? " · closed" : this.#mayVote ? "" : " · log in to vote";
    const note = this.#says || `${total} ${total === 1 ? "vote" : "votes"}${state}`;
    this.#box.replaceChildren(element("h2", "question", poll.question), list, element("p", "hint", note));
    if (focused !== undefined) /** @type {HTMLElement | null} */ (this.#box.querySelector(`[data-option="${focused}"]`))?.focus();
    if (isOpen && poll.until !== null) this.#timer = setTimeout(() => this.#draw(), Math.min(left, 2 ** 31 - 1));
  }

  /** @param {string} text @param {number} place @param {number} share @param {boolean} isOpen */
  #option(text, place, share, isOpen) {
    const row = element("li", place === this.#mine ? "own" : "");
    if (!this.#mayVote) {
      row.append(bar(element("div", "option"), text, share));
      return row;
    }
    const button = /** @type {HTMLButtonElement} */ (bar(element("button", "option"), text, share));
    button.type = "button";
    button.dataset.option = String(place);
    button.ariaPressed = String(place === this.#mine);
    button.disabled = !isOpen || (this.#mine >= 0 && place !== this.#mine);
    button.addEventListener("click", () => void this.#choose(place));
    row.append(button);
    return row;
  }
}

/** @param {HTMLElement} row @param {string} text @param {number} share in percent */
function bar(row, text, share) {
  row.style.setProperty("--share", `${share}%`);
  row.append(element("bdi", "", text), element("span", "share", `${share} %`));
  return row;
}
