/** The card by which one signs in: pages that need a login show it instead of what they are for. */

/** @typedef {import("./identity.js").Identity} Identity */

import { sentence } from "./wording.js";

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
    form.append(element("h1", "Sign in"), element("p", purpose, "hint"), ...this.#parts());
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
    const label = element("label", "Login token");
    /** @type {HTMLLabelElement} */ (label).htmlFor = "token";
    Object.assign(this.#field, { id: "token", type: "password", autocomplete: "off", spellcheck: false, required: true });
    this.#field.setAttribute("aria-describedby", "token-hint sign-in-outcome");
    const hint = element(
      "p", "From whoever runs this service: the token, or a link that ends in #token=…. It stays in this tab and is forgotten when the tab is closed.", "hint",
    );
    hint.id = "token-hint";
    Object.assign(this.#outcome, { id: "sign-in-outcome", className: "outcome bad", role: "alert" });
    const button = element("button", "Sign in", "primary");
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

/** @param {string} tag @param {string} text @param {string} [className] */
function element(tag, text, className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}
