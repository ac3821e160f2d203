/**
 * The card of the open poll: one vote, live bars, and for a while what came of it.
 *
 * @typedef {import("../sdk/protocol.js").Poll} Poll
 * @typedef {import("../sdk/protocol.js").Refusal} Refusal
 */

import { barsOf } from "../shared/bars.js";
import { part } from "../shared/dialog.js";
import { element } from "../shared/element.js";
import { t, timeOf } from "../shared/language.js";
import { refused } from "../shared/wording.js";
import { Votes } from "./votes.js";

const RESULT_MS = 20_000;

export class PollCard {
  #box;
  #asked;
  #aloud;
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
  /** When what came of it is told no longer. */
  #goneAt = 0;
  /** What says how the one that is shown stands. */
  #tell = () => {};
  #votes;
  /** Of the room and the user. */
  #whose = "";
  #isFolded = false; // until one wants to see the picture; a new poll is noticed

  /** @param {HTMLElement} box @param {import("./screen.js").Asked} asked @param {(text: string) => void} aloud */
  constructor(box, asked, aloud) {
    this.#box = box;
    this.#asked = asked;
    this.#aloud = aloud;
    this.#votes = new Votes(asked.voted);
  }

  /** Guests are shown how it stands, and nothing to press. @param {string} room @param {string} uid @param {string} role */
  allow(room, uid, role) {
    this.#mayVote = role !== "guest";
    this.#whose = `${room}/${uid}`;
    this.#recall();
    this.#draw();
  }

  clear() {
    this.#poll = null;
    this.#draw();
  }

  /** @param {Poll} poll @param {number[] | null} counts how it stands, where it was open before one came */
  open(poll, counts = null) {
    if (poll.id === this.#poll?.id && this.#isOver) return; // history may be a moment ahead
    if (poll.id !== this.#poll?.id) this.#isFolded = false;
    this.#says = ""; // also where one came in again
    this.#poll = poll;
    this.#counts = poll.options.map((_, option) => counts?.[option] ?? 0);
    this.#recall();
    this.#isOver = false;
    this.#draw();
    if (counts !== null && this.#mayVote) void this.#votes.look(this.#keyOf(poll), poll.id).then(() => this.#mark());
  }

  /** @param {string | undefined} id @param {number[] | undefined} counts */
  count(id, counts) {
    if (id === undefined || counts === undefined || id !== this.#poll?.id || this.#isOver) return;
    this.#counts = counts;
    this.#tell(); // not drawn anew: what somebody is about to press stays where it is
  }

  /** What came of it, for a while; of one that was not shown here nothing is. @param {string} id @param {number[]} counts @param {number} since when it was closed, or was heard to be */
  close(id, counts, since) {
    if (id !== this.#poll?.id) return;
    this.#counts = counts;
    this.#isOver = true;
    this.#says = "";
    this.#goneAt = since + RESULT_MS;
    if (this.#goneAt > this.#asked.now()) this.#draw();
    else this.clear();
  }

  /** @param {number} option */
  async #choose(option) {
    const poll = this.#poll;
    if (poll === null || this.#isBusy) return;
    this.#isBusy = true;
    this.#say(this.#asked.waits());
    this.#tell();
    let isKnown = true;
    const key = this.#keyOf(poll);
    const before = this.#counts[option];
    try {
      await this.#asked.vote(poll.id, option);
      if (this.#mine < 0 && !this.#isOver && poll.id === this.#poll?.id) this.#countAtLeast(option, before + 1);
      this.#votes.keep(key, option);
      this.#recall();
      this.#say(""); // the focus tells what is pressed
    } catch (error) {
      const refusal = /** @type {Refusal} */ (error);
      isKnown = refusal.name !== "conflict";
      this.#say(isKnown ? refused(refusal) : t("poll.conflict"));
    }
    this.#isBusy = false;
    this.#draw();
    if (isKnown) return;
    await this.#votes.learn(key, poll.id);
    this.#mark();
  }

  /** @param {string} text */
  #say(text) {
    this.#says = text;
    this.#aloud(text);
  }

  /** One's own vote, which is counted in the next statistics, or was already. @param {number} option @param {number} least */
  #countAtLeast(option, least) {
    this.#counts = this.#counts.map((count, place) => (place === option ? Math.max(count, least) : count));
  }

  /** @param {Poll} poll */
  #keyOf(poll) {
    return `${this.#whose}/${poll.id}`;
  }

  /** A vote was found: nothing is drawn anew where there is none. */
  #mark() {
    const before = this.#mine;
    this.#recall();
    if (this.#mine !== before) this.#draw();
  }

  #recall() {
    this.#mine = this.#poll === null ? -1 : this.#votes.find(this.#keyOf(this.#poll));
  }

  #draw() {
    clearTimeout(this.#timer);
    const poll = this.#poll;
    this.#box.hidden = poll === null;
    if (poll === null) {
      this.#box.replaceChildren();
      return;
    }
    const focused = this.#box.contains(document.activeElement) ? document.activeElement?.id : "";
    const left = poll.until === null ? 0 : poll.until - this.#asked.now();
    const isOpen = !this.#isOver && (poll.until === null || left > 0);
    const body = element("div", "poll-body");
    const list = element("ul", "options");
    const { bars, tell } = barsOf(poll.options, () => element(this.#mayVote ? "button" : "div", "option"));
    list.append(...bars.map((bar, place) => this.#option(bar, place, isOpen)));
    const until = left > 0 ? t("poll.until", { at: timeOf(Date.now() + left) }) : "";
    const said = element("span");
    const hint = element("p", "hint");
    hint.append(said, ...(isOpen && !this.#mayVote ? [" · ", this.#login()] : []));
    this.#tell = () => {
      const n = tell(this.#counts);
      said.textContent = this.#says || t("poll.votes", { n }) + (isOpen ? until : t("poll.closed"));
    };
    this.#tell();
    body.append(list, hint);
    body.hidden = this.#isFolded;
    this.#box.replaceChildren(this.#head(poll.question), body);
    if (focused) this.#focus(focused);
    if (this.#isOver) this.#timer = setTimeout(() => this.clear(), Math.max(0, this.#goneAt - this.#asked.now()));
    else if (isOpen && poll.until !== null) this.#timer = setTimeout(() => this.#draw(), Math.min(left, 2 ** 31 - 1));
  }

  /** Where the focus was, else on what can be pressed still. @param {string} id */
  #focus(id) {
    const buttons = [id, `poll-option-${this.#mine}`, "poll-head"].map((one) => /** @type {HTMLButtonElement} */ (part(one)));
    buttons.find((button) => button?.disabled === false)?.focus();
  }

  /** The question, which folds the card. @param {string} question */
  #head(question) {
    const button = /** @type {HTMLButtonElement} */ (element("button", "question-button"));
    button.type = "button";
    button.id = "poll-head";
    button.ariaExpanded = String(!this.#isFolded);
    button.append(element("bdi", "", question));
    button.addEventListener("click", () => {
      this.#isFolded = !this.#isFolded;
      this.#draw();
    });
    const head = element("h2", "question");
    head.append(button);
    return head;
  }

  #login() {
    const button = /** @type {HTMLButtonElement} */ (element("button", "link", t("poll.login")));
    button.type = "button";
    button.id = "poll-login";
    button.addEventListener("click", () => this.#asked.logIn());
    return button;
  }

  /** @param {HTMLElement} bar @param {number} place @param {boolean} isOpen */
  #option(bar, place, isOpen) {
    const row = element("li", place === this.#mine ? "own" : "");
    row.append(bar);
    if (this.#mayVote) this.#offer(/** @type {HTMLButtonElement} */ (bar), place, isOpen);
    return row;
  }

  /** @param {HTMLButtonElement} button @param {number} place @param {boolean} isOpen */
  #offer(button, place, isOpen) {
    button.type = "button";
    button.id = `poll-option-${place}`;
    button.ariaPressed = String(place === this.#mine);
    button.disabled = !isOpen || (this.#mine >= 0 && place !== this.#mine);
    button.addEventListener("click", () => void this.#choose(place));
  }
}
