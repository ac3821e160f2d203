/** Two settings that every page has: the theme and the language. */

import { makeClosable } from "./dialog.js";
import { element } from "./element.js";
import { LANGUAGES, chooseLanguage, chosenLanguage, t } from "./language.js";
import { THEMES, chooseTheme, theme } from "./theme.js";

/** Put both into a box, each with its label. @param {HTMLElement} box */
export function offerPreferences(box) {
  const themes = THEMES.map((name) => /** @type {[string, string]} */ ([name, t(`theme.${name}`)]));
  const languages = /** @type {[string, string][]} */ ([["", t("language.system")], ...Object.entries(LANGUAGES)]);
  box.replaceChildren(
    field("preference-theme", t("theme"), themes, theme(), chooseTheme),
    field("preference-language", t("language"), languages, chosenLanguage(), (name) => {
      chooseLanguage(name);
      location.reload();
    }),
  );
}

/**
 * A dialog with both, for a page that has no settings besides. Made when it is first opened.
 * @param {HTMLElement} button that opens it
 */
export function offerPreferencesDialog(button) {
  /** @type {HTMLDialogElement | null} */
  let dialog = null;
  button.addEventListener("click", () => {
    dialog ??= made();
    dialog.showModal();
  });
}

function made() {
  const dialog = document.createElement("dialog");
  const body = element("div", "body");
  const head = element("h2", "", t("preferences"));
  const box = element("div", "pair");
  const row = element("div", "row end");
  const close = element("button", "close primary", t("preferences.done"));
  head.id = "preferences-title";
  dialog.setAttribute("aria-labelledby", head.id);
  close.setAttribute("type", "button");
  offerPreferences(box);
  row.append(close);
  body.append(head, box, row);
  dialog.append(body);
  document.body.append(dialog);
  makeClosable(dialog);
  return dialog;
}

/**
 * @param {string} id @param {string} name @param {[string, string][]} options value and text
 * @param {string} present @param {(value: string) => void} choose
 */
function field(id, name, options, present, choose) {
  const box = document.createElement("div");
  const label = document.createElement("label");
  const select = document.createElement("select");
  box.className = "field";
  label.htmlFor = select.id = id;
  label.textContent = name;
  select.append(...options.map(([value, text]) => new Option(text, value, false, value === present)));
  select.addEventListener("change", () => choose(select.value));
  box.append(label, select);
  return box;
}
