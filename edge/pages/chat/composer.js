/**
 * The box to write a message: text, an image by its address, a word about what became of it. Each conversation has its own.
 *
 * @typedef {import("../sdk/protocol.js").Chat} Chat
 * @typedef {import("../sdk/protocol.js").Part} Part
 * @typedef {import("./place.js").Said} Said
 * @typedef {object} Way how it is said
 * @property {(said: Said, cid: string) => Promise<void>} send in the conversation that is looked at; may throw Refusal
 * @property {() => void} typing somebody writes
 * @property {() => string} waits what to say of what is sent now, where there is no connection
 */

import { Refusal } from "../sdk/protocol.js";
import { sentence, t } from "../shared/language.js";
import { rewrite } from "../shared/submit.js";
import { unsent } from "../shared/telling.js";
import { lasting } from "../shared/wording.js";
import { webAddress } from "./inbox.js";
import { Place, UNDECIDED } from "./place.js";

const MOST_TEXT = 10_000;
const NAMED = 80; // characters of what is told of
const TYPING_MS = 3000; // between two words about it
const ELSEWHERE = "elsewhere"; // why, where it is nothing that is said here

export class ChatComposer {
  #form;
  #way;
  #text = /** @type {HTMLTextAreaElement} */ (document.getElementById("text"));
  #image = /** @type {HTMLInputElement} */ (document.getElementById("image"));
  #imageRow = /** @type {HTMLElement} */ (document.getElementById("image-row"));
  #imageButton = /** @type {HTMLButtonElement} */ (document.getElementById("image-button"));
  #outcome = /** @type {HTMLElement} */ (document.getElementById("outcome"));
  #over = /** @type {HTMLElement} */ (document.getElementById("over"));
  #hint = this.#text.placeholder;
  #typedAt = -TYPING_MS;
  #place = new Place("");
  /** By conversation. @type {Map<string, Place>} */
  #places = new Map();

  /** @param {HTMLFormElement} form @param {Way} way */
  constructor(form, way) {
    this.#form = form;
    this.#way = way;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
      this.focus();
    });
    this.#text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#submit();
    });
    form.addEventListener("input", () => this.#written());
    this.#text.addEventListener("input", () => this.#tellTyping());
    this.#imageButton.addEventListener("click", () => {
      const isShown = this.#imageRow.hidden === true;
      this.#showImage(isShown);
      if (!isShown) this.#image.value = "";
      this.#written();
      this.#image.focus();
    });
  }

  /** For another conversation; what is written in this one stands there when one comes back. @param {string} conv */
  open(conv) {
    const left = this.#place;
    left.isNext = false;
    if (left.said === null && left.why !== UNDECIDED) this.#tell(left, ""); // it was read, and may not hold any more
    this.#place = this.#places.get(conv) ?? new Place(conv);
    this.#places.set(conv, this.#place);
    this.#showImage(false);
    this.#draw();
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
    this.#places.clear();
    this.open("");
  }

  focus() {
    this.#text.focus({ preventScroll: true });
  }

  /** @param {string} uid */
  mention(uid) {
    const { value } = this.#text;
    this.#text.value = `${value}${value === "" || /\s$/.test(value) ? "" : " "}@${uid} `;
    this.#written();
    this.focus();
  }

  /** What is told here of something else. @param {string} saying */
  say(saying, isBad = false) {
    this.#tell(this.#place, sentence(saying), ELSEWHERE, isBad);
  }

  /** What has come need not be said again. @param {Chat[]} messages */
  settle(messages) {
    for (const { conv, cid, body = [] } of messages) {
      const place = this.#places.get(conv);
      if (cid !== undefined && place?.once.settle(cid)) this.#come(place, body);
    }
  }

  /** The user may speak again. @param {string} conv */
  unmuted(conv) {
    const place = this.#places.get(conv);
    if (place?.why === "muted") this.#tell(place, "");
  }

  #submit() {
    const place = this.#place;
    if (this.#text.readOnly) return;
    if (place.isBusy) {
      place.isNext = !place.isEmpty;
    } else if (place.said !== null) {
      void this.#try(place, place.said);
    } else if (!place.isEmpty) {
      const body = this.#body(place);
      if (body === null) return;
      this.#showImage(false);
      void this.#try(place, place.take(body));
    }
  }

  /** What is written, as parts; null where that cannot be sent, which is told. @param {Place} place @returns {Part[] | null} */
  #body({ text, address }) {
    const [said, image] = [text.trim(), address.trim()];
    const url = image === "" ? null : webAddress(image);
    const isBad = image !== "" && url === null;
    if (isBad || Array.from(said).length > MOST_TEXT) {
      this.say(isBad ? t("image.address") : t("text.most", { n: MOST_TEXT }), true);
      return null;
    }
    const words = said === "" ? [] : [{ type: "text", text: said }];
    return url === null ? words : [...words, { type: "image", url: url.href }];
  }

  /** @param {Place} place @param {Said} said */
  async #try(place, said) {
    place.isBusy = true;
    this.#typedAt = -TYPING_MS;
    this.#tell(place, this.#way.waits());
    try {
      await place.once.say(JSON.stringify(said.body), (cid) => this.#way.send(said, cid));
      if (place.said === said) this.#come(place, said.body);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (place.said !== said) return; // it has come all the same
      place.refused(said, place.once.isOpen(JSON.stringify(said.body)));
      this.#tell(place, inWords(error), error.isUndecided ? UNDECIDED : error.name);
    }
  }

  /** @param {Place} place @param {Part[]} body */
  #come(place, body) {
    const { isNext } = place;
    place.come(body);
    this.#tell(place, "");
    if (isNext && place === this.#place) this.#submit();
  }

  /** @param {Place} place @param {string} saying */
  #tell(place, saying, why = "", isBad = why !== "") {
    Object.assign(place, { saying, why, isBad });
    if (place === this.#place) this.#draw();
  }

  #written() {
    Object.assign(this.#place, { text: this.#text.value, address: this.#image.value, isNext: false }); // it is another text now
    this.#draw();
  }

  /** Whether the row for an image is open stays as it is, unless there is one: one may be about to write there. */
  #draw() {
    const { text, address, said, isBusy, isEmpty, saying, isBad, why } = this.#place;
    const name = said === null ? "" : Array.from(said.text || t("gist.image")).slice(0, NAMED).join("");
    const isNamed = saying !== "" && name !== "" && why !== ELSEWHERE && !(isBusy && isEmpty);
    if (text !== this.#text.value) rewrite(this.#text, text);
    if (address !== this.#image.value) this.#image.value = address;
    if (address !== "") this.#showImage(true);
    this.#text.placeholder = isBusy ? name : this.#hint;
    this.#outcome.textContent = isNamed ? `${saying}: ${name}` : saying;
    this.#outcome.classList.toggle("bad", isBad);
  }

  #tellTyping() {
    const now = performance.now();
    if (this.#text.value === "" || now - this.#typedAt < TYPING_MS) return;
    this.#typedAt = now;
    this.#way.typing();
  }

  /** @param {boolean} isShown */
  #showImage(isShown) {
    this.#imageRow.hidden = !isShown;
    this.#imageButton.setAttribute("aria-expanded", String(isShown));
  }
}

/** @param {Refusal} refusal */
function inWords(refusal) {
  const leftMs = refusal.name === "muted" ? refusal.retryMs : null;
  return leftMs === null ? unsent(refusal) : t("muted", { time: lasting(Math.ceil(leftMs / 1000)) });
}
