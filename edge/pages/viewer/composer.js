/**
 * The box to send comments: text, mode, size and colour, and what the service said to it. Each room has its own text.
 *
 * @typedef {import("../sdk/protocol.js").RoomSettings} RoomSettings
 * @typedef {import("./styles.js").Draft} Draft
 * @typedef {Draft & {cid: string}} Said
 */

import { Refusal } from "../sdk/protocol.js";
import { t } from "../shared/language.js";
import { Once } from "../shared/once.js";
import { Place } from "../shared/place.js";
import { beyond, lasts, rewrite } from "../shared/submit.js";
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

/** What is written and said in one room. @extends {Place<Draft>} */
class Box extends Place {
  once = new Once();
  /** Whether it was shown before it was answered. */
  hasCome = false;
  /** What is told while it waits for a connection, or for its answer for long. */
  waits = "";
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
  #room = "";
  /** Of this room; before there is one, of the first. */
  #box = new Box();
  /** By room. @type {Map<string, Box>} */
  #boxes = new Map();
  /** Until when there is no use in trying. */
  #closedUntil = 0;
  #saying = "";
  #isRefusedByRule = false;
  /** Whether what it says is of the text that was there: it goes as one writes on. */
  #isPassing = false;
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
      this.#text.focus({ preventScroll: true });
    });
    form.addEventListener("input", () => this.#write());
    this.#box.text = this.#text.value; // one was quick
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

  /** For a room: what was written there before stands there, and what was refused may be tried now. @param {string} room */
  open(room) {
    this.#box.isNext = false;
    this.#box = this.#boxes.get(room) ?? (["", room].includes(this.#room) ? this.#box : new Box());
    this.#room = room;
    this.#boxes.set(room, this.#box);
    this.#say(this.#box.isBusy ? this.#box.waits : "");
  }

  /** Another user: what one said is not for the other to repeat. @param {boolean} isSame who signed in, and writes on */
  forget(isSame) {
    const { text } = this.#box;
    this.#boxes.clear();
    this.#box = new Box();
    if (isSame) this.#box.text = text;
    this.open(this.#room);
  }

  /** One's own comment is there: if nobody answered it, that is known now. @param {string} text */
  shown(text) {
    const box = this.#box;
    const { said } = box;
    if (said === null ? !box.once.isOpen(JSON.stringify(this.#styles.draft(text))) : said.text !== text) return;
    if (box.isBusy) {
      box.hasCome = true; // or one said the same before: there may be an answer yet
      return;
    }
    box.once.settle();
    if (said === null) box.text = beyond(box.text, text);
    this.#taken(box, "");
  }

  #submit() {
    const box = this.#box;
    const text = box.text.trim();
    if (this.#isClosed || this.#isOver) return;
    if (box.isBusy) {
      box.isNext = text !== "";
    } else if (box.said !== null) {
      void this.#try(box, box.said);
    } else if (text !== "") {
      box.text = "";
      void this.#try(box, this.#styles.draft(text));
    }
  }

  /** @param {Box} box @param {Draft} draft */
  async #try(box, draft) {
    const waits = this.#waits();
    Object.assign(box, { said: draft, isBusy: true, hasCome: false, waits });
    this.#say(waits);
    try {
      const sent = box.once.say(JSON.stringify(draft), (cid) => this.#send({ ...draft, cid }));
      this.#taken(box, outcome(await lasts(sent, () => this.#last(box, waits))));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#refused(box, draft, error);
    }
  }

  /** It is connected, and no answer comes. @param {Box} box @param {string} told of it so far */
  #last(box, told) {
    if (box !== this.#box || box.hasCome || this.#outcome.textContent !== told || this.#waits() !== "") return;
    box.waits = t("sent.still");
    this.#say(box.waits);
  }

  /** @param {Box} box @param {Draft} draft @param {Refusal} refusal */
  #refused(box, draft, refusal) {
    if (refusal.name === "held_for_review") return this.#taken(box, t("sent.held"));
    const { name, message, retryMs } = refusal;
    const isOpen = box.once.isOpen(JSON.stringify(draft));
    if (isOpen && box.hasCome) {
      box.once.settle();
      return this.#taken(box, "");
    }
    box.refused(draft, isOpen);
    if (box !== this.#box) return; // it stands there again when one comes back
    if (name === "muted") this.refuse(noticed("muted", message), retryMs);
    else this.refuse(isOpen ? this.#unanswered || t("sent.unanswered") : refused(refusal), retryMs);
    this.#isRefusedByRule = RULES.has(name);
    this.#isPassing ||= retryMs === null && box.said === null && (isOpen || TEXTS.has(name));
  }

  /** It need not be said again. @param {Box} box @param {string} saying */
  #taken(box, saying) {
    const isNext = box.come();
    if (box !== this.#box) return;
    this.#say(saying);
    this.#isPassing = true;
    if (isNext) this.#submit();
  }

  /** What Send repeats, while something else stands in the box. */
  get #unanswered() {
    const { said, isBusy } = this.#box;
    return said === null || isBusy ? "" : `${t("sent.unanswered")}: ${said.text}`;
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
    Object.assign(this.#box, { text: this.#text.value, isNext: false }); // it is another text now
    if (this.#isPassing) this.#say("");
    if (this.#isOver && this.#outcome.textContent === "") {
      this.refuse(t("sent.too_long", { n: this.#most }));
      this.#isPassing = true;
    }
    this.#show();
  }

  get #isOver() {
    return this.#count(this.#box.text.trim()) > this.#most;
  }

  #show() {
    const { text, said, isBusy, waits } = this.#box;
    const count = this.#count(text.trim());
    const isOver = this.#isOver;
    const left = Math.ceil((this.#closedUntil - performance.now()) / 1000);
    this.#button.disabled = isOver || left > 0;
    this.#button.textContent = left > 0 && left < 100 ? t("send.wait", { n: left }) : t("send");
    this.#length.textContent = count > 0 ? `${count}/${this.#most}` : "";
    this.#length.classList.toggle("over", isOver);
    if (text !== this.#text.value) rewrite(this.#text, text);
    this.#text.placeholder = isBusy && waits !== "" && said !== null ? said.text : this.#hint;
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
