/** The head of a room: its name, who watches, raid mode, and how to make its feed stand still or to close it. */

import { element } from "../shared/element.js";
import { t } from "../shared/language.js";
import { button } from "../shared/parts.js";
import { short } from "../shared/wording.js";

export class ColumnHead {
  box = element("header", "column-head");
  #viewers = element("span", "figure");
  #pause;

  /** @param {string} room @param {import("./raid.js").Raid} raid @param {{pause: () => void, close: () => void}} pressed */
  constructor(room, raid, pressed) {
    this.#pause = button(t("feed.pause"), pressed.pause, "pause quiet");
    const close = button("✕", pressed.close, "quiet icon-only");
    close.setAttribute("aria-label", t("column.close", { room }));
    const bar = element("div", "column-bar");
    bar.append(element("h2", "ellipsis", room), this.#viewers, element("span", "spring"), raid.button, this.#pause, close);
    this.box.append(bar, raid.until);
  }

  /** @param {number | null} viewers null: nobody knows */
  count(viewers) {
    this.#viewers.textContent = viewers === null ? "" : t("viewers", { n: viewers, count: short(viewers) });
  }

  /** @param {boolean} isPaused */
  pause(isPaused) {
    this.#pause.setAttribute("aria-pressed", String(isPaused));
  }
}
