/**
 * The box to write a message: text, an image by its address, a word about what became of it. Each conversation has its own.
 *
 * @typedef {import("../sdk/protocol.js").Part} Part
 * @typedef {{text: string, address: string, saying: string, why: string}} Draft
 *   why: the name of the refusal that it tells of; of none: "".
 */

import { Refusal } from "../sdk/protocol.js";
import { sentence, t } from "../shared/language.js";
import { beyond } from "../shared/submit.js";
import { unsent } from "../shared/telling.js";
import { lasting } from "../shared/wording.js";
import { webAddress } from "./inbox.js";

const MOST_TEXT = 10_000;
const TYPING_MS = 3000; // between two words about it
const UNDECIDED = "undecided"; // why, where nobody answered
/** @type {Draft} */
const NOTHING = { text: "", address: "", saying: "", why: "" };

export class ChatComposer {
  #text = /** @type {HTMLTextAreaElement} */ (document.getElementById("text"));
  #image = /** @type {HTMLInputElement} */ (document.getElementById("image"));
  #imageRow = /** @type {HTMLElement} */ (document.getElementById("image-row"));
  #imageButton = /** @type {HTMLButtonElement} */ (document.getElementById("image-button"));
  #button = /** @type {HTMLButtonElement} */ (document.getElementById("send"));
  #outcome = /** @type {HTMLElement} */ (document.getElementById("outcome"));
  #over = /** @type {HTMLElement} */ (document.getElementById("over"));
  #form;
  #send;
  #typing;
  #waits;
  #typedAt = -TYPING_MS;
  #conv = "";
  /** The name of the refusal that the word tells of. */
  #why = "";
  /** What is written in other conversations. @type {Map<string, Draft>} */
  #drafts = new Map();
  /** Where something is under way. @type {Set<string>} */
  #busy = new Set();
  /** Where what is under way has come, before it was answered. @type {Set<string>} */
  #come = new Set();

  /**
   * @param {HTMLFormElement} form @param {(text: string, body: Part[]) => Promise<void>} send may throw Refusal
   * @param {() => void} typing somebody writes @param {() => string} waits what to say of what is sent now, where there is no connection
   */
  constructor(form, send, typing, waits) {
    this.#form = form;
    this.#send = send;
    this.#typing = typing;
    this.#waits = waits;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#submit();
    });
    this.#text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      void this.#submit();
    });
    this.#text.addEventListener("input", () => this.#tellTyping());
    this.#imageButton.addEventListener("click", () => {
      this.#showImage(this.#imageRow.hidden === true);
      this.#image.focus();
    });
  }

  /** For another conversation; what is written in this one stands there when one comes back. @param {string} conv */
  open(conv) {
    const left = this.#draft;
    const isStill = left.why === UNDECIDED || this.#busy.has(this.#conv); // anything else was read, and may not hold any more
    this.#keep(this.#conv, isStill ? left : { ...left, saying: "", why: "" });
    this.#conv = conv;
    const draft = this.#drafts.get(conv) ?? NOTHING;
    this.#showImage(draft.address !== "");
    this.#write(draft);
    this.#button.disabled = this.#busy.has(conv);
    this.#typedAt = -TYPING_MS;
  }

  /** Nothing can be said here any more; what is written stays to be read. @param {string} why while something can: "" */
  end(why) {
    this.#over.textContent = why;
    this.#over.hidden = why === "";
    this.#form.classList.toggle("over", why !== "");
    this.#text.readOnly = this.#image.readOnly = why !== "";
  }

  /** For another user. */
  forget() {
    this.#write(NOTHING);
    this.#showImage(false);
    this.#conv = "";
    for (const known of [this.#drafts, this.#busy, this.#come]) known.clear();
  }

  focus() {
    this.#text.focus({ preventScroll: true });
  }

  /** @param {string} uid */
  mention(uid) {
    const { value } = this.#text;
    this.#text.value = `${value}${value === "" || /\s$/.test(value) ? "" : " "}@${uid} `;
    this.focus();
  }

  /** @param {string} saying */
  say(saying, isBad = false) {
    this.#why = "";
    this.#outcome.textContent = sentence(saying);
    this.#outcome.classList.toggle("bad", isBad);
  }

  /** It need not be said again. @param {string} conv @param {Part[]} body */
  taken(conv, body) {
    const of = (/** @type {string} */ type) => body.find((one) => one.type === type);
    const url = of("image")?.url;
    const { text, address } = this.#of(conv);
    const isSaid = url !== undefined && webAddress(address.trim())?.href === url;
    if (isSaid && conv === this.#conv) this.#showImage(false);
    this.#put(conv, { ...NOTHING, text: beyond(text, of("text")?.text ?? ""), address: isSaid ? "" : address });
    this.#come.add(conv);
    this.#typedAt = -TYPING_MS;
  }

  /** The user may speak again. @param {string} conv */
  unmuted(conv) {
    const draft = this.#of(conv);
    if (draft.why === "muted") this.#put(conv, { ...draft, saying: "", why: "" });
  }

  /** @returns {Draft} */
  get #draft() {
    const saying = this.#outcome.textContent ?? "";
    return { text: this.#text.value, address: this.#image.value, saying, why: this.#why };
  }

  /** @param {string} conv */
  #of(conv) {
    return conv === this.#conv ? this.#draft : this.#drafts.get(conv) ?? NOTHING;
  }

  /** @param {string} conv @param {Draft} draft */
  #put(conv, draft) {
    if (conv === this.#conv) this.#write(draft);
    else this.#keep(conv, draft);
  }

  /** Whether the row for an image is open stays as it is: one may be about to write there. @param {Draft} draft */
  #write({ text, address, saying, why }) {
    if (text !== this.#text.value) this.#text.value = text;
    if (address !== this.#image.value) this.#image.value = address;
    this.say(saying, why !== "");
    this.#why = why;
  }

  /** @param {string} conv @param {Draft} draft */
  #keep(conv, draft) {
    if (draft.text === "" && draft.address === "") this.#drafts.delete(conv);
    else this.#drafts.set(conv, draft);
  }

  #tellTyping() {
    const now = performance.now();
    if (this.#text.value === "" || now - this.#typedAt < TYPING_MS) return;
    this.#typedAt = now;
    this.#typing();
  }

  /** @param {boolean} isShown */
  #showImage(isShown) {
    this.#imageRow.hidden = !isShown;
    this.#imageButton.setAttribute("aria-expanded", String(isShown));
    if (!isShown) this.#image.value = "";
  }

  async #submit() {
    const conv = this.#conv;
    const [text, address] = [this.#text.value.trim(), this.#image.value.trim()];
    if (this.#text.readOnly || this.#busy.has(conv) || (text === "" && address === "")) return;
    const url = address === "" ? null : webAddress(address);
    if (address !== "" && url === null) return this.say(t("image.address"), true);
    if (Array.from(text).length > MOST_TEXT) return this.say(t("text.most", { n: MOST_TEXT }), true);
    this.#busy.add(conv);
    this.#come.delete(conv);
    this.say(this.#waits());
    this.#button.disabled = true;
    this.focus(); // a dimmed button has none
    try {
      const words = text === "" ? [] : [{ type: "text", text }];
      const body = url === null ? words : [...words, { type: "image", url: url.href }];
      await this.#send(text, body);
      if (!this.#come.has(conv)) this.taken(conv, body);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#put(conv, { ...this.#of(conv), saying: inWords(error), why: error.isUndecided ? UNDECIDED : error.name });
    } finally {
      this.#busy.delete(conv);
      if (conv === this.#conv) this.#button.disabled = false;
    }
  }
}

/** @param {Refusal} refusal */
function inWords(refusal) {
  const leftMs = refusal.name === "muted" ? refusal.retryMs : null;
  return leftMs === null ? unsent(refusal) : t("muted", { time: lasting(Math.ceil(leftMs / 1000)) });
}
