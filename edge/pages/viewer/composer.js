/**
 * The box to send comments: text, mode, size and colour, and what the service said to it.
 *
 * @typedef {import("../sdk/protocol.js").RoomSettings} RoomSettings
 * @typedef {{text: string, mode?: string, size?: number, color?: number}} Draft
 */

import { cssColor } from "../overlay/sprites.js";
import { NORMAL_SIZE, WHITE, Refusal } from "../sdk/protocol.js";
import { refused, t } from "../shared/language.js";
import { lasting } from "../shared/wording.js";

const LENGTH = 100; // what a room allows that says nothing else
const COLORS = /** @type {[string, number][]} */ ([
  ["white", WHITE], ["rose", 0xff8fab], ["coral", 0xff9e7d], ["gold", 0xffd166],
  ["mint", 0x7ce8b5], ["sky", 0x72ddf7], ["periwinkle", 0x9fb4ff], ["lilac", 0xd0a2ff],
]);

/** Refusals that are over when the room has other rules. */
const RULES = new Set([
  "slow_mode", "forbidden", "members_only", "followers_only", "account_too_new", "links_not_allowed", "emoji_only",
]);

/** What became of a comment that was taken. @param {number | null} waitMs */
function outcome(waitMs) {
  if (waitMs === null) return t("sent.unseen");
  return waitMs > 0 ? t("sent.later", { n: Math.ceil(waitMs / 1000) }) : "";
}

export class Composer {
  #form;
  #text;
  #button;
  #length;
  #outcome;
  #send;
  #most = LENGTH;
  #isBusy = false;
  /** Until when there is no use in trying. */
  #closedUntil = 0;
  #saying = "";
  #isRefusedByRule = false;
  #timer = 0;

  /**
   * @param {HTMLFormElement} form
   * @param {(draft: Draft) => Promise<number | null>} send in how many ms it is shown, null: left out; throws Refusal
   */
  constructor(form, send) {
    const part = (/** @type {string} */ id) => /** @type {HTMLElement} */ (form.querySelector(`#${id}`));
    this.#form = form;
    this.#send = send;
    this.#text = /** @type {HTMLInputElement} */ (part("text"));
    this.#button = /** @type {HTMLButtonElement} */ (part("send"));
    this.#length = part("length");
    this.#outcome = part("outcome");
    offerColors(part("colors"));
    const styles = part("styles");
    const toggle = part("styles-button");
    toggle.addEventListener("click", () => {
      toggle.setAttribute("aria-expanded", String(styles.classList.toggle("open")));
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#submit();
    });
    form.addEventListener("input", () => this.#show());
    this.#show();
  }

  /** What the room allows. @param {RoomSettings} settings @param {string} role of the one who writes */
  allow(settings, role) {
    this.#most = settings.max_length ?? LENGTH;
    const closed = role === "guest" ? closedToGuests(settings) : "";
    const hint = t(settings.emoji_only ? "say.emoji" : "say");
    this.#text.placeholder = closed || (settings.slow_s ? t("say.slow", { n: settings.slow_s }) : hint);
    if (this.#isRefusedByRule) this.#say("");
    this.#show();
  }

  /** A notice or refusal from elsewhere. @param {string} saying @param {number | null} [retryMs] */
  refuse(saying, retryMs = null) {
    this.#saying = saying;
    this.#isRefusedByRule = false;
    this.#closedUntil = retryMs === null ? 0 : performance.now() + retryMs;
    this.#countDown();
  }

  /** What was refused before may be tried now. */
  reopen() {
    this.#say("");
  }

  async #submit() {
    const text = this.#text.value.trim();
    if (this.#isBusy || text === "" || this.#isClosed || this.#count(text) > this.#most) return;
    this.#isBusy = true;
    this.#show();
    try {
      this.#taken(text, outcome(await this.#send(this.#draft(text))));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.name === "held_for_review") this.#taken(text, t("sent.held"));
      else this.refuse(refused(error), error.retryMs);
      this.#isRefusedByRule = RULES.has(error.name);
    } finally {
      this.#isBusy = false;
      this.#show();
      this.#text.focus({ preventScroll: true });
    }
  }

  /** It need not be said again. @param {string} text @param {string} saying */
  #taken(text, saying) {
    if (this.#text.value.trim() === text) this.#text.value = "";
    this.#say(saying);
  }

  /** Defaults are left out. @param {string} text @returns {Draft} */
  #draft(text) {
    const data = new FormData(this.#form);
    const mode = String(data.get("mode"));
    const size = Number(data.get("size"));
    const color = Number(data.get("color"));
    return {
      text,
      ...(mode !== "scroll" && { mode }),
      ...(size !== NORMAL_SIZE && { size }),
      ...(color !== WHITE && { color }),
    };
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
    this.#isRefusedByRule = false;
    this.#outcome.textContent = saying;
    this.#outcome.classList.remove("bad");
    this.#show();
  }

  #show() {
    const count = this.#count(this.#text.value.trim());
    const isOver = count > this.#most;
    const left = Math.ceil((this.#closedUntil - performance.now()) / 1000);
    this.#button.disabled = this.#isBusy || isOver || left > 0;
    this.#button.textContent = left > 0 && left < 100 ? t("send.wait", { n: left }) : t("send");
    this.#length.textContent = count > 0 ? `${count}/${this.#most}` : "";
    this.#length.classList.toggle("over", isOver);
    this.#text.setAttribute("aria-invalid", String(isOver));
    const color = Number(new FormData(this.#form).get("color"));
    if (color === WHITE) this.#form.style.removeProperty("--chosen");
    else this.#form.style.setProperty("--chosen", cssColor(color));
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

/** @param {HTMLElement} fieldset */
function offerColors(fieldset) {
  for (const [name, color] of COLORS) {
    const label = document.createElement("label");
    const input = document.createElement("input");
    const said = document.createElement("span");
    label.title = said.textContent = t(`color.${name}`);
    label.style.color = cssColor(color);
    Object.assign(input, { type: "radio", name: "color", value: String(color), checked: color === WHITE });
    said.className = "visually-hidden";
    label.append(input, said);
    fieldset.append(label);
  }
}
