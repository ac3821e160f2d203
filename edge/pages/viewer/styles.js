/**
 * How one's comment is to look: its mode, size and colour, as they are chosen beside the box.
 *
 * @typedef {{text: string, mode?: string, size?: number, color?: number}} Draft
 */

import { cssColor } from "../overlay/sprites.js";
import { NORMAL_SIZE, WHITE } from "../sdk/protocol.js";
import { part } from "../shared/dialog.js";
import { t } from "../shared/language.js";

const COLORS = /** @type {[string, number][]} */ ([
  ["white", WHITE], ["rose", 0xff8fab], ["coral", 0xff9e7d], ["gold", 0xffd166],
  ["mint", 0x7ce8b5], ["sky", 0x72ddf7], ["periwinkle", 0x9fb4ff], ["lilac", 0xd0a2ff],
]);

export class Styles {
  #form;

  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.#form = form;
    const toggle = part("styles-button");
    toggle.addEventListener("click", () => {
      toggle.setAttribute("aria-expanded", String(part("styles").classList.toggle("open")));
    });
    part("colors").append(...COLORS.map(([name, color]) => choice(name, color)));
  }

  /** With this text; what is usual is left out. @param {string} text @returns {Draft} */
  draft(text) {
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

  /** One writes in the colour that is chosen. */
  show() {
    const { color } = this.draft("");
    if (color === undefined) this.#form.style.removeProperty("--chosen");
    else this.#form.style.setProperty("--chosen", cssColor(color));
  }
}

/** @param {string} name @param {number} color */
function choice(name, color) {
  const label = document.createElement("label");
  const input = document.createElement("input");
  const said = document.createElement("span");
  label.title = said.textContent = t(`color.${name}`);
  label.style.color = cssColor(color);
  Object.assign(input, { type: "radio", name: "color", value: String(color), checked: color === WHITE });
  said.className = "visually-hidden";
  label.append(input, said);
  return label;
}
