/** Gifts that are shown by hand. */

import { part } from "../shared/dialog.js";
import { t } from "../shared/language.js";
import { Once } from "../shared/once.js";
import { onSubmit } from "../shared/submit.js";

const DIGITS = 2; // where nobody knows a currency better

export class Gifts {
  #deeds;
  #room = "";
  #once = new Once();
  #outcome = part("gift-outcome");

  /** @param {import("./deeds.js").Deeds} deeds */
  constructor(deeds) {
    this.#deeds = deeds;
    const form = /** @type {HTMLFormElement} */ (part("gift-form"));
    onSubmit(form, () => this.#give(form));
  }

  /** @param {string} room */
  show(room) {
    this.#room = room;
    this.#outcome.textContent = "";
  }

  /** @param {HTMLFormElement} form */
  async #give(form) {
    const [room, body] = [this.#room, gift()];
    const path = `v1/rooms/${room}/messages`;
    const post = (/** @type {string} */ cid) => this.#deeds.ask("POST", path, { ...body, cid });
    const say = () => this.#once.say(path + JSON.stringify(body), post);
    const isDone = (await this.#deeds.tell(say, t("done.gift"), () => (room === this.#room ? this.#outcome : null))) !== null;
    if (isDone && JSON.stringify(gift()) === JSON.stringify(body)) form.reset(); // else the next one is written there
  }
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
