/** What looks like abuse, in all open rooms, newest first. */

import { element } from "../shared/element.js";
import { knows, t } from "../shared/language.js";
import { button, nothing, when } from "../shared/parts.js";
import { redraw } from "../shared/redraw.js";

const RAID_S = 600;

export class SignsPanel {
  #context;
  #list = element("ul", "plain rows");
  #empty = nothing(t("signs.none"));

  /** @param {HTMLElement} box @param {import("./panel.js").Context} context */
  constructor(box, context) {
    this.#context = context;
    this.#list.setAttribute("aria-label", t("signs.label"));
    box.append(element("p", "hint", t("signs.hint")), this.#empty, this.#list);
  }

  get count() {
    return this.#context.columns().reduce((sum, column) => sum + column.signs.length, 0);
  }

  open() {
    this.changed();
  }

  changed() {
    const all = this.#context.columns().flatMap((column) => column.signs.map((sign) => ({ column, sign })));
    all.sort((a, b) => b.sign.at - a.sign.at);
    this.#empty.hidden = all.length > 0;
    redraw(this.#list, all.map(({ column, sign }) => {
      const row = element("li", "card");
      row.dataset.key = `${column.name} ${sign.at}`;
      const head = element("p", "row wrap");
      head.append(element("span", "badge", column.name), element("time", "hint", when(sign.at)), element("span", "spring"));
      head.append(button(t("raid.on"), () => void this.#context.acts.raid(column.name, RAID_S), "quiet"));
      const key = `sign.${sign.kind}`;
      row.append(head, element("p", "", knows(key) ? t(key, { n: sign.count }) : `${sign.kind}: ${sign.count}`));
      if (sign.sample) row.append(element("bdi", "text hint", sign.sample));
      return row;
    }));
  }
}
