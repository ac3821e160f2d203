/**
 * The box to write a message: text, an image by its address, a word about what became of it.
 *
 * @typedef {import("../sdk/protocol.js").Part} Part
 */

import { Refusal } from "../sdk/protocol.js";
import { sentence, t } from "../shared/language.js";
import { unsent } from "../shared/telling.js";
import { lasting } from "../shared/wording.js";
import { webAddress } from "./inbox.js";

const MOST_TEXT = 10_000;
const TYPING_MS = 3000; // between two words about it

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
  #isBusy = false;
  /** Whether what is under way has come, before it was answered. */
  #hasCome = false;

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
    this.#imageButton.addEventListener("click", () => this.#showImage(this.#imageRow.hidden === true));
  }

  /** For another conversation. */
  clear() {
    this.#text.value = this.#image.value = "";
    this.#showImage(false);
    this.say("");
    this.#typedAt = -TYPING_MS;
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

  /** It need not be said again. @param {Part[]} body */
  taken(body) {
    const of = (/** @type {string} */ type) => body.find((one) => one.type === type);
    const [address, url] = [this.#image.value.trim(), of("image")?.url];
    if (this.#text.value.trim() === of("text")?.text) this.#text.value = "";
    if (url === undefined ? address === "" : webAddress(address)?.href === url) this.#showImage(false);
    this.#hasCome = true;
    this.#typedAt = -TYPING_MS;
    this.say("");
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
    if (isShown) this.#image.focus();
    else this.#image.value = "";
  }

  async #submit() {
    const [text, address] = [this.#text.value.trim(), this.#image.value.trim()];
    if (this.#isBusy || (text === "" && address === "")) return;
    const url = address === "" ? null : webAddress(address);
    if (address !== "" && url === null) return this.say(t("image.address"), true);
    if (Array.from(text).length > MOST_TEXT) return this.say(t("text.most", { n: MOST_TEXT }), true);
    this.#isBusy = this.#button.disabled = true;
    this.#hasCome = false;
    this.say(this.#waits());
    try {
      const words = text === "" ? [] : [{ type: "text", text }];
      const body = url === null ? words : [...words, { type: "image", url: url.href }];
      await this.#send(text, body);
      if (!this.#hasCome) this.taken(body);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const leftMs = error.name === "muted" ? error.retryMs : null;
      this.say(leftMs === null ? unsent(error) : t("muted", { time: lasting(Math.ceil(leftMs / 1000)) }), true);
    } finally {
      this.#isBusy = this.#button.disabled = false;
      this.focus();
    }
  }
}
