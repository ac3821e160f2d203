/**
 * The box to write a message: text, an image by its address, a word about what became of it. Each conversation has its own.
 *
 * @typedef {import("../sdk/protocol.js").Part} Part
 * @typedef {{text: string, address: string, saying: string, isBad: boolean}} Draft
 */

import { Refusal } from "../sdk/protocol.js";
import { sentence, t } from "../shared/language.js";
import { beyond } from "../shared/submit.js";
import { unsent } from "../shared/telling.js";
import { lasting } from "../shared/wording.js";
import { webAddress } from "./inbox.js";

const MOST_TEXT = 10_000;
const TYPING_MS = 3000; // between two words about it
/** @type {Draft} */
const NOTHING = { text: "", address: "", saying: "", isBad: false };

export class ChatComposer {
  #text = /** @type {HTMLTextAreaElement} */ (document.getElementById("text"));
  #image = /** @type {HTMLInputElement} */ (document.getElementById("image"));
  #imageRow = /** @type {HTMLElement} */ (document.getElementById("image-row"));
  #imageButton = /** @type {HTMLButtonElement} */ (document.getElementById("image-button"));
  #button = /** @type {HTMLButtonElement} */ (document.getElementById("send"));
  #outcome = /** @type {HTMLElement} */ (document.getElementById("outcome"));
  #send;
  #typing;
  #waits;
  #typedAt = -TYPING_MS;
  #conv = "";
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
    this.#keep(this.#conv, this.#draft);
    this.#conv = conv;
    this.#write(this.#drafts.get(conv) ?? NOTHING);
    this.#button.disabled = this.#busy.has(conv);
    this.#typedAt = -TYPING_MS;
  }

  /** For another user. */
  forget() {
    this.#write(NOTHING);
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
    this.#outcome.textContent = sentence(saying);
    this.#outcome.classList.toggle("bad", isBad);
  }

  /** It need not be said again. @param {string} conv @param {Part[]} body */
  taken(conv, body) {
    const of = (/** @type {string} */ type) => body.find((one) => one.type === type);
    const url = of("image")?.url;
    const { text, address } = conv === this.#conv ? this.#draft : this.#drafts.get(conv) ?? NOTHING;
    const isSaid = url !== undefined && webAddress(address.trim())?.href === url;
    const rest = { ...NOTHING, text: beyond(text, of("text")?.text ?? ""), address: isSaid ? "" : address };
    if (conv === this.#conv) this.#write(rest);
    else this.#keep(conv, rest);
    this.#come.add(conv);
    this.#typedAt = -TYPING_MS;
  }

  /** @returns {Draft} */
  get #draft() {
    const isBad = this.#outcome.classList.contains("bad");
    return { text: this.#text.value, address: this.#image.value, saying: this.#outcome.textContent ?? "", isBad };
  }

  /** @param {Draft} draft */
  #write({ text, address, saying, isBad }) {
    if (text !== this.#text.value) this.#text.value = text;
    this.#showImage(address !== "");
    this.#image.value = address;
    this.say(saying, isBad);
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
    if (this.#busy.has(conv) || (text === "" && address === "")) return;
    const url = address === "" ? null : webAddress(address);
    if (address !== "" && url === null) return this.say(t("image.address"), true);
    if (Array.from(text).length > MOST_TEXT) return this.say(t("text.most", { n: MOST_TEXT }), true);
    this.#button.disabled = true;
    this.#busy.add(conv);
    this.#come.delete(conv);
    this.say(this.#waits());
    try {
      const words = text === "" ? [] : [{ type: "text", text }];
      const body = url === null ? words : [...words, { type: "image", url: url.href }];
      await this.#send(text, body);
      if (!this.#come.has(conv)) this.taken(conv, body);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (conv === this.#conv) this.say(why(error), true);
      else this.#keep(conv, { ...(this.#drafts.get(conv) ?? NOTHING), saying: why(error), isBad: true });
    } finally {
      this.#busy.delete(conv);
      if (conv === this.#conv) {
        this.#button.disabled = false;
        this.focus();
      }
    }
  }
}

/** @param {Refusal} refusal */
function why(refusal) {
  const leftMs = refusal.name === "muted" ? refusal.retryMs : null;
  return leftMs === null ? unsent(refusal) : t("muted", { time: lasting(Math.ceil(leftMs / 1000)) });
}
