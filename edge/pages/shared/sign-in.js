/** The card by which one signs in: pages that need a login show it instead of what they are for. */

/** @typedef {import("./identity.js").Identity} Identity */

import { element } from "./element.js";
import { sentence, t } from "./language.js";

export class SignIn {
  #box;
  #field = document.createElement("input");
  #outcome = document.createElement("p");
  #identity;

  /** @param {HTMLElement} box empty, filled here @param {Identity} identity @param {string} purpose what one signs in for */
  constructor(box, identity, purpose) {
    this.#box = box;
    this.#identity = identity;
    const form = document.createElement("form");
    form.id = "sign-in-form";
    form.className = "card";
    form.autocomplete = "off";
    form.append(element("h1", "", t("sign_in")), element("p", "hint", purpose), ...this.#parts());
    form.addEventListener("submit", (event) => this.#submit(event));
    box.replaceChildren(form);
  }

  /** @param {string} why what happened, or nothing */
  show(why = "") {
    this.#box.hidden = false;
    this.#outcome.textContent = why && sentence(why);
    this.#field.value = "";
    this.#field.focus();
  }

  hide() {
    this.#box.hidden = true;
    this.#outcome.textContent = "";
  }

  #parts() {
    const label = element("label", "", t("sign_in.token"));
    /** @type {HTMLLabelElement} */ (label).htmlFor = "token";
    Object.assign(this.#field, { id: "token", type: "password", autocomplete: "off", spellcheck: false, required: true });
    this.#field.setAttribute("aria-describedby", "token-hint sign-in-outcome");
    const hint = element("p", "hint", t("sign_in.hint"));
    hint.id = "token-hint";
    Object.assign(this.#outcome, { id: "sign-in-outcome", className: "outcome bad", role: "alert" });
    const button = element("button", "primary", t("sign_in"));
    /** @type {HTMLButtonElement} */ (button).type = "submit";
    return [label, this.#field, hint, this.#outcome, button];
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    const why = this.#identity.signIn(this.#field.value);
    this.#field.value = "";
    this.#outcome.textContent = why;
    if (why !== "") this.#field.focus();
  }
}
