/** Where the room is for others: the page to watch it, the overlay for OBS, the console for moderators. */

import { element } from "../shared/element.js";
import { t } from "../shared/language.js";
import { button, input } from "../shared/parts.js";

const LINKS = /** @type {[string, string][]} */ ([["watch", ""], ["overlay", "overlay"], ["console", "console"]]);
const COPIED_MS = 2_000;

/** @param {HTMLElement} box @param {string} room */
export function showLinks(box, room) {
  box.replaceChildren(...LINKS.map(([name, path]) => link(name, new URL(`./${path}?room=${room}`, document.baseURI).href)));
}

/** @param {string} name @param {string} url */
function link(name, url) {
  const row = element("div", "link-row");
  const label = /** @type {HTMLLabelElement} */ (element("label", "hint", t(`links.${name}`)));
  const shown = input();
  const copy = button(t("links.copy"), () => void copied());
  label.htmlFor = shown.id = `link-${name}`;
  shown.value = url;
  shown.readOnly = true;
  shown.addEventListener("focus", () => shown.select());
  copy.setAttribute("aria-describedby", shown.id);
  const beside = element("div", "row");
  beside.append(shown, copy);
  row.append(label, beside);
  return row;

  async function copied() {
    try {
      await navigator.clipboard.writeText(url);
      copy.textContent = t("links.copied");
      setTimeout(() => (copy.textContent = t("links.copy")), COPIED_MS);
    } catch {
      shown.focus(); // not allowed here: it is marked, to be copied by hand
    }
  }
}
