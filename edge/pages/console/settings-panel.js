/** What a room goes by: each rule with what it means, its bounds, and what holds where the room says nothing. */

import { element } from "../shared/element.js";
import { isAtLeast } from "../shared/identity.js";
import { language, t } from "../shared/language.js";
import { button, field, input, nothing, select } from "../shared/parts.js";
import { SETTINGS } from "./settings-table.js";

/** @typedef {import("./settings-table.js").Setting} Setting */
/** @typedef {Record<string, boolean | number | string>} Values */
const figures = new Intl.NumberFormat(language());

export class SettingsPanel {
  #context;
  #form = /** @type {HTMLFormElement} */ (element("form", "stack"));
  #empty = nothing(t("settings.none"));
  /** @type {Map<string, HTMLInputElement | HTMLSelectElement>} */
  #controls = new Map();
  /** @type {Values} */
  #own = {};
  /** Whose they are. */
  #room = "";
  #asked = 0;

  /** @param {HTMLElement} box @param {import("./panel.js").Context} context */
  constructor(box, context) {
    this.#context = context;
    this.#form.noValidate = true; // bounds are said by us, in the reader's language
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#save();
    });
    box.append(this.#empty, this.#form);
  }

  async open() {
    const asked = (this.#asked += 1);
    const column = this.#context.column();
    const found = column === null ? null : await this.#context.acts.read(`admin/rooms/${column.name}/settings`);
    if (asked !== this.#asked) return;
    this.#empty.hidden = found !== null;
    this.#form.hidden = found === null;
    this.#room = column?.name ?? "";
    if (found !== null && column !== null) this.#draw(found.settings, found.in_force, column.role);
  }

  /** @param {Values} own @param {Values} inForce @param {string} role */
  #draw(own, inForce, role) {
    const focused = this.#form.contains(document.activeElement) ? document.activeElement?.id : "";
    this.#own = own;
    this.#controls.clear();
    const rows = SETTINGS.filter(({ who }) => isAtLeast(role, who)).map((setting) => {
      const control = draw(setting, own[setting.key], inForce[setting.key]);
      this.#controls.set(setting.key, control);
      const row = field(`setting-${setting.key}`, t(`setting.${setting.key}`), control);
      row.classList.add("setting");
      const hint = element("p", "hint", explained(setting));
      hint.id = `setting-${setting.key}-hint`;
      control.setAttribute("aria-describedby", hint.id);
      control.addEventListener("input", () => control.removeAttribute("aria-invalid"));
      row.append(hint);
      return row;
    });
    const foot = element("p", "row end sticky");
    const save = /** @type {HTMLButtonElement} */ (element("button", "primary", t("settings.save")));
    save.type = "submit";
    save.id = "settings-save";
    const again = button(t("settings.again"), () => void this.open());
    again.id = "settings-again";
    foot.append(again, save);
    this.#form.replaceChildren(...rows, foot);
    if (focused) document.getElementById(focused)?.focus();
  }

  async #save() {
    const room = this.#room; // another one may be looked at by now
    /** @type {Record<string, boolean | number | string | null>} */
    const changes = {};
    for (const setting of SETTINGS) {
      const control = this.#controls.get(setting.key);
      if (control === undefined) continue;
      const value = read(setting, control.value);
      if (value === undefined) {
        control.setAttribute("aria-invalid", "true");
        control.focus();
        return;
      }
      if (value !== (this.#own[setting.key] ?? null)) changes[setting.key] = value;
    }
    if ((await this.#context.acts.configure(room, changes)) !== null) await this.open();
  }
}

/** @param {Setting} setting @param {Values[string] | undefined} own @param {Values[string]} inForce */
function draw(setting, own, inForce) {
  if (setting.kind === "number") {
    const control = input("number");
    control.min = String(setting.least);
    control.max = String(setting.most);
    control.step = "1";
    control.placeholder = t("setting.inherited", { value: figures.format(Number(inForce)) });
    control.value = own === undefined ? "" : String(own);
    return control;
  }
  const choices = setting.kind === "flag" ? ["true", "false"] : setting.choices;
  const inherited = own === undefined ? t("setting.inherited", { value: named(setting, String(inForce)) }) : t("setting.inherit");
  const control = select([["", inherited], ...choices.map((choice) => /** @type {[string, string]} */ ([choice, named(setting, choice)]))]);
  control.value = own === undefined ? "" : String(own);
  return control;
}

/** @param {Setting} setting @param {string} value */
function named(setting, value) {
  return setting.kind === "flag" ? t(value === "true" ? "on" : "off") : t(`setting.${setting.key}.${value}`);
}

/** @param {Setting} setting */
function explained(setting) {
  const text = t(`setting.${setting.key}.hint`);
  if (setting.kind !== "number") return text;
  return `${text} ${t("setting.bounds", { least: figures.format(setting.least), most: figures.format(setting.most) })}`;
}

/** @param {Setting} setting @param {string} value @returns {boolean | number | string | null | undefined} undefined: it cannot be */
function read(setting, value) {
  if (value === "") return null;
  if (setting.kind === "flag") return value === "true";
  if (setting.kind === "choice") return value;
  const number = Number(value);
  return Number.isInteger(number) && number >= setting.least && number <= setting.most ? number : undefined;
}
