/**
 * The box to send comments: text, mode, size and colour, and what the service said to it.
 *
 * @typedef {import("../sdk/protocol.js").RoomSettings} RoomSettings
 * @typedef {import("./styles.js").Draft} Draft
 * @typedef {Draft & {cid: string}} Said
 */

import { Refusal } from "../sdk/protocol.js";
import { t } from "../shared/language.js";
import { Once } from "../shared/once.js";
import { beyond, giveBack, lasts } from "../shared/submit.js";
import { lasting, noticed, refused } from "../shared/wording.js";
import { Styles } from "./styles.js";

const LENGTH = 100; // what a room allows that says nothing else

/** Refusals that are over when the room has other rules. */
const RULES = new Set([
  "slow_mode", "forbidden", "members_only", "followers_only", "account_too_new", "links_not_allowed", "emoji_only",
]);

/** Refusals of a text, which another one may not meet. */
const TEXTS = new Set(["too_long", "empty", "blocked_words", "duplicate_text"]);

/** What became of a comment that was taken. @param {number | null} waitMs */
function outcome(waitMs) {
  if (waitMs === null) return t("sent.unseen");
  return waitMs > 0 ? t("sent.later", { n: Math.ceil(waitMs / 1000) }) : "";
}

export class Composer {
  #styles;
  #text;
  #button;
  #length;
  #outcome;
  #send;
  #most = LENGTH;
  #hint = "";
  /** What has left the box and may not have come yet. @type {Draft | null} */
  #said = null;
  /** Whether that is under way; else nobody answered it, and Send repeats it. */
  #isBusy = false;
  /** Whether what is in the box is to follow it. */
  #isNext = false;
  /** Whether it was shown before it was answered. */
  #hasCome = false;
  /** What waits for a connection, or for its answer for long. */
  #waiting = "";
  /** Until when there is no use in trying. */
  #closedUntil = 0;
  #saying = "";
  #isRefusedByRule = false;
  /** Whether what it says is of the text that was there: it goes as one writes on. */
  #isPassing = false;
  #once = new Once();
  #waits;
  #timer = 0;

  /**
   * @param {HTMLFormElement} form
   * @param {(said: Said) => Promise<number | null>} send in how many ms it is shown, null: left out; throws Refusal
   * @param {() => string} waits what to say of what is sent now, where there is no connection
   */
  constructor(form, send, waits) {
    const part = (/** @type {string} */ id) => /** @type {HTMLElement} */ (form.querySelector(`#${id}`));
    this.#styles = new Styles(form);
    this.#send = send;
    this.#waits = waits;
    this.#text = /** @type {HTMLInputElement} */ (part("text"));
    this.#button = /** @type {HTMLButtonElement} */ (part("send"));
    this.#length = part("length");
    this.#outcome = part("outcome");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    form.addEventListener("input", () => this.#write());
    this.#show();
  }

  /** What the room allows. @param {RoomSettings} settings @param {string} role of the one who writes */
  allow(settings, role) {
    this.#most = settings.max_length ?? LENGTH;
    const closed = role === "guest" ? closedToGuests(settings) : "";
    const hint = t(settings.emoji_only ? "say.emoji" : "say");
    this.#hint = closed || (settings.slow_s ? t("say.slow", { n: settings.slow_s }) : hint);
    if (this.#isRefusedByRule) this.#say("");
    this.#show();
  }

  /** A notice or refusal from elsewhere. @param {string} saying @param {number | null} [retryMs] */
  refuse(saying, retryMs = null) {
    this.#saying = saying;
    this.#isRefusedByRule = this.#isPassing = false;
    this.#closedUntil = retryMs === null ? 0 : performance.now() + retryMs;
    this.#countDown();
  }

  /** What was refused before may be tried now. */
  reopen() {
    this.#say("");
  }

  /** What waited for a moderator does not any more; others may not be heard of. */
  decided() {
    if (this.#outcome.textContent === t("sent.held")) this.#say("");
  }

  /** For another room: what was said in the one before does not come into this one by itself. */
  leave() {
    const said = this.#said;
    this.#end();
    if (said !== null) giveBack(this.#text, said.text);
  }

  /** One's own comment is there: if nobody answered it, that is known now. @param {string} text */
  shown(text) {
    const said = this.#said;
    if (said === null ? !this.#once.isOpen(JSON.stringify(this.#styles.draft(text))) : said.text !== text) return;
    if (this.#isBusy) {
      this.#hasCome = true; // or one said the same before: there may be an answer yet
      return;
    }
    this.#once.settle();
    if (said === null) this.#text.value = beyond(this.#text.value, text);
    this.#taken("");
  }

  #submit() {
    const text = this.#text.value.trim();
    if (this.#isClosed || this.#isOver) return;
    if (this.#isBusy) {
      this.#isNext = true;
    } else if (this.#said !== null) {
      void this.#try(this.#said);
    } else if (text !== "") {
      this.#text.value = "";
      void this.#try(this.#styles.draft(text));
    }
    this.#text.focus({ preventScroll: true });
  }

  /** @param {Draft} draft */
  async #try(draft) {
    this.#said = draft;
    this.#isBusy = true;
    const waits = this.#waits();
    this.#waiting = waits && draft.text;
    this.#say(waits);
    try {
      const sent = this.#once.say(JSON.stringify(draft), (cid) => this.#send({ ...draft, cid }));
      const waitMs = await lasts(sent, () => this.#last(draft, waits));
      if (this.#said === draft) this.#taken(outcome(waitMs));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (this.#said === draft) this.#refused(draft, error);
    }
  }

  /** It is connected, and no answer comes. @param {Draft} draft @param {string} told of it so far */
  #last(draft, told) {
    if (this.#said !== draft || this.#hasCome || this.#outcome.textContent !== told || this.#waits() !== "") return;
    this.#waiting = draft.text;
    this.#say(t("sent.still"));
  }

  /** @param {Draft} draft @param {Refusal} refusal */
  #refused(draft, refusal) {
    if (refusal.name === "held_for_review") return this.#taken(t("sent.held"));
    const { name, message, retryMs } = refusal;
    const isOpen = this.#once.isOpen(JSON.stringify(draft));
    if (isOpen && this.#hasCome) {
      this.#once.settle();
      return this.#taken("");
    }
    this.#end();
    if (isOpen && !["", draft.text].includes(this.#text.value.trim())) this.#said = draft; // joined it would be said twice
    else giveBack(this.#text, draft.text);
    if (name === "muted") this.refuse(noticed("muted", message), retryMs);
    else this.refuse(isOpen ? this.#unanswered || t("sent.unanswered") : refused(refusal), retryMs);
    this.#isRefusedByRule = RULES.has(name);
    this.#isPassing ||= retryMs === null && this.#said === null && (isOpen || TEXTS.has(name));
  }

  /** Nothing is under way any more. */
  #end() {
    this.#said = null;
    this.#isBusy = this.#isNext = this.#hasCome = false;
    this.#waiting = "";
  }

  /** It need not be said again. @param {string} saying */
  #taken(saying) {
    const isNext = this.#isNext;
    this.#end();
    this.#say(saying);
    this.#isPassing = true;
    if (isNext) this.#submit();
  }

  /** What Send repeats, while something else stands in the box. */
  get #unanswered() {
    return this.#said === null || this.#isBusy ? "" : `${t("sent.unanswered")}: ${this.#said.text}`;
  }

  get #isClosed() {
    return performance.now() < this.#closedUntil;
  }

  /** The refusal, and how long it lasts, until it is over. */
  #countDown() {
    clearTimeout(this.#timer);
    const left = Math.ceil((this.#closedUntil - performance.now()) / 1000);
    if (this.#closedUntil > 0 && left <= 0) {
      this.#say("");
      return;
    }
    const wait = document.createElement("span");
    wait.ariaHidden = "true"; // nobody wants each second read aloud
    wait.textContent = left > 0 ? t("again", { time: lasting(left) }) : "";
    this.#outcome.replaceChildren(this.#saying, wait);
    this.#outcome.classList.add("bad");
    if (left > 0) this.#timer = setTimeout(() => this.#countDown(), 250);
    this.#show();
  }

  /** @param {string} saying */
  #say(saying) {
    clearTimeout(this.#timer);
    this.#closedUntil = 0;
    this.#isRefusedByRule = this.#isPassing = false;
    this.#outcome.textContent = saying || this.#unanswered;
    this.#outcome.classList.remove("bad");
    this.#show();
  }

  /** What was said of another text is over; of this one there may be something to say. */
  #write() {
    this.#isNext = false; // it is another text now
    if (this.#isPassing) this.#say("");
    if (this.#isOver && this.#outcome.textContent === "") {
      this.refuse(t("sent.too_long", { n: this.#most }));
      this.#isPassing = true;
    }
    this.#show();
  }

  get #isOver() {
    return this.#count(this.#text.value.trim()) > this.#most;
  }

  #show() {
    const count = this.#count(this.#text.value.trim());
    const isOver = this.#isOver;
    const left = Math.ceil((this.#closedUntil - performance.now()) / 1000);
    this.#button.disabled = isOver || left > 0;
    this.#button.textContent = left > 0 && left < 100 ? t("send.wait", { n: left }) : t("send");
    this.#length.textContent = count > 0 ? `${count}/${this.#most}` : "";
    this.#length.classList.toggle("over", isOver);
    this.#text.placeholder = this.#waiting || this.#hint;
    this.#text.setAttribute("aria-invalid", String(isOver));
    this.#styles.show();
  }

  /** As the service counts. @param {string} text */
  #count(text) {
    return Array.from(text).length;
  }
}

/** Why a guest may not write, in as few words as a phone is wide. @param {RoomSettings} settings */
function closedToGuests(settings) {
  if (settings.staff_only) return t("say.staff");
  if (settings.guests_may_send === false) return t("say.login");
  if (settings.members_only) return t("say.members");
  return settings.followers_only ? t("say.followers") : "";
}
