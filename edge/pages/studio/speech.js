/** What the streamer says: a comment like any other, or an announcement, which may be pinned; and gifts shown by hand. */

import { part } from "../shared/dialog.js";
import { t } from "../shared/language.js";
import { Once } from "../shared/once.js";
import { beyond, onSubmit } from "../shared/submit.js";
import { unsent } from "../shared/telling.js";
import { lasting } from "../shared/wording.js";

const PINS = [60, 300, 900, 3600];
const DIGITS = 2; // where nobody knows a currency better

export class Speech {
  #deeds;
  #say;
  #room = "";
  #comment = new Once();
  #announcement = new Once();
  #gift = new Once();
  #text = /** @type {HTMLInputElement} */ (part("say-text"));
  #pin = /** @type {HTMLSelectElement} */ (part("say-pin"));

  /** @param {import("./deeds.js").Deeds} deeds @param {(text: string, cid: string) => Promise<unknown>} say a comment */
  constructor(deeds, say) {
    this.#deeds = deeds;
    this.#say = say;
    const form = /** @type {HTMLFormElement} */ (part("say"));
    this.#pin.append(new Option(t("say.no_pin"), ""), ...PINS.map((s) => new Option(lasting(s), String(s))));
    form.addEventListener("change", () => (part("say-pin-box").hidden = kind(form) !== "announce"));
    onSubmit(form, () => this.#speak(kind(form)));
    onSubmit(part("gift-form"), () => this.#give(/** @type {HTMLFormElement} */ (part("gift-form"))));
  }

  /** @param {boolean} isStaff whether one may announce */
  allow(isStaff) {
    part("say-kinds").hidden = !isStaff;
    if (isStaff) return;
    /** @type {HTMLInputElement} */ (part("say-comment")).checked = true;
    part("say-pin-box").hidden = true;
  }

  /** @param {string} room */
  show(room) {
    this.#room = room;
  }

  /** @param {string} kind */
  async #speak(kind) {
    const text = this.#text.value.trim();
    if (text === "") return;
    const say = () => this.#comment.say(`${this.#room} ${text}`, (cid) => this.#say(text, cid));
    const done = kind === "announce" ? await this.#announce(text) : await this.#deeds.tell(say, "", unsent);
    if (done !== null) this.#text.value = beyond(this.#text.value, text);
  }

  /** @param {string} text */
  #announce(text) {
    const pin = this.#pin.value === "" ? {} : { pin_s: Number(this.#pin.value) };
    return this.#post(this.#announcement, { kind: "announce", text, ...pin }, t("done.announced"), unsent);
  }

  /** @param {HTMLFormElement} form */
  async #give(form) {
    const body = gift();
    const isDone = (await this.#post(this.#gift, body, t("done.gift"))) !== null;
    if (isDone && JSON.stringify(gift()) === JSON.stringify(body)) form.reset(); // else the next one is written there
  }

  /** @param {Once} once of its form @param {object} body @param {string} done @param {typeof unsent} [say] */
  #post(once, body, done, say) {
    const path = `v1/rooms/${this.#room}/messages`;
    const post = (/** @type {string} */ cid) => this.#deeds.ask("POST", path, { ...body, cid });
    return this.#deeds.tell(() => once.say(path + JSON.stringify(body), post), done, say);
  }
}

/** @param {HTMLFormElement} form */
function kind(form) {
  return String(new FormData(form).get("kind"));
}

/** As the form has it. */
function gift() {
  const [name, uid, text, currency] = ["name", "uid", "text", "currency"].map((name) => value(`gift-${name}`));
  const [count, paid] = [Number(value("gift-count")), Number(value("gift-amount"))];
  const from = uid === "" ? {} : { uid, name: uid };
  const amount = paid > 0 ? { amount: Math.round(paid * 10 ** digitsOf(currency)), currency: currency.toUpperCase() || "USD" } : {};
  return { kind: "gift", gift: name, count, ...(text && { text }), ...from, ...amount };
}

/** @param {string} id */
function value(id) {
  return /** @type {HTMLInputElement} */ (part(id)).value.trim();
}

/** Of the smallest unit of a currency. @param {string} currency */
function digitsOf(currency) {
  try {
    return new Intl.NumberFormat("en", { style: "currency", currency: currency || "USD" }).resolvedOptions().maximumFractionDigits ?? DIGITS;
  } catch {
    return DIGITS;
  }
}
