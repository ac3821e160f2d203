/** Who is muted or banned, in the room or everywhere, and how that is lifted. */

import { element } from "../shared/element.js";
import { t } from "../shared/language.js";
import { button, field, input, nothingRow, select, when } from "../shared/parts.js";
import { redraw } from "../shared/redraw.js";

/** @typedef {{kind: "mute" | "ban", uid: string, by: string, since: number, until: number | null, reason: string}} Sanction */

export class SanctionsPanel {
  #context;
  #scope = select([["room", t("sanctions.room")], ["all", t("everywhere")]]);
  #search = input("search");
  #list = element("ul", "plain rows");
  #more = button(t("more"), () => void this.#read(), "quiet");
  /** @type {Sanction[]} */
  #found = [];
  /** @type {string | null} */
  #after = null;
  #asked = 0;

  /** @param {HTMLElement} box @param {import("./panel.js").Context} context */
  constructor(box, context) {
    this.#context = context;
    this.#scope.addEventListener("change", () => void this.open());
    this.#search.addEventListener("input", () => this.#draw());
    this.#list.setAttribute("aria-label", t("sanctions.label"));
    box.append(field("sanctions-scope", t("words.scope"), this.#scope), field("sanctions-search", t("sanctions.search"), this.#search), this.#list, this.#more);
  }

  async open() {
    const scope = /** @type {HTMLElement} */ (this.#scope.parentElement);
    scope.hidden = !this.#context.isAdmin();
    if (scope.hidden) this.#scope.value = "room";
    this.#found = [];
    this.#after = null;
    await this.#read();
  }

  /** Something was done. */
  changed() {
    void this.open();
  }

  async #read() {
    const asked = (this.#asked += 1);
    const room = this.#context.column()?.name;
    const base = this.#scope.value === "all" ? "admin/sanctions" : `admin/rooms/${room}/sanctions`;
    if (room === undefined && this.#scope.value === "room") return this.#draw();
    const page = await this.#context.acts.read(`${base}?limit=100${this.#after === null ? "" : `&after=${this.#after}`}`);
    if (page === null || asked !== this.#asked) return;
    this.#found.push(...page.sanctions);
    this.#after = page.after;
    this.#draw();
  }

  #draw() {
    const wanted = this.#search.value.trim().toLowerCase();
    const shown = this.#found.filter(({ uid, by, reason }) => `${uid} ${by} ${reason}`.toLowerCase().includes(wanted));
    const empty = t(this.#found.length === 0 ? "sanctions.none" : "sanctions.unfound");
    redraw(this.#list, shown.length === 0 ? [nothingRow(empty)] : shown.map((one) => this.#row(one)));
    this.#more.hidden = this.#after === null;
  }

  /** @param {Sanction} one */
  #row(one) {
    const { kind, uid, by, since, until, reason } = one;
    const isEverywhere = this.#scope.value === "all";
    const row = element("li", "card sanction");
    row.dataset.key = `${kind} ${uid}`;
    const head = element("p", "row wrap");
    head.append(element("span", `badge ${kind === "ban" ? "bad" : "warn"}`, t(`kind.${kind}`)), element("bdi", "", uid), element("span", "spring"));
    const room = this.#context.column()?.name ?? "";
    const lift = button(t(`lift.${kind}`), () => void this.#context.acts.lift(kind, room, uid, isEverywhere), "quiet");
    lift.setAttribute("aria-label", t(`lift.${kind}.one`, { uid }));
    head.append(lift);
    if (room !== "") head.append(button(t("act.card"), () => this.#context.openCard(room, uid), "quiet"));
    const span = until === null ? t("until.lifted") : t("until.time", { time: when(until) });
    row.append(head, element("p", "hint", t("sanctions.told", { by, since: when(since), span })));
    if (reason) row.append(element("p", "", reason));
    return row;
  }
}
