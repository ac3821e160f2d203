/** What is known of one user in a room, and all that can be done about them. */

import { makeClosable, part } from "../shared/dialog.js";
import { element } from "../shared/element.js";
import { isAtLeast } from "../shared/identity.js";
import { t } from "../shared/language.js";
import { button, nothingRow, when } from "../shared/parts.js";
import { redraw } from "../shared/redraw.js";

/**
 * @typedef {import("./panel.js").Context} Context
 * @typedef {import("./sanctions-panel.js").Sanction} Sanction
 * @typedef {{epoch: number, seq: number, at: number, name: string, text: string}} Said
 * @typedef {{room: string, uid: string, role: string | null, appointed_by: string | null, sanctions: Sanction[], everywhere: Sanction[],
 *   acts: number, comments: Said[]}} Card
 */

export class CardDialog {
  #dialog = /** @type {HTMLDialogElement} */ (part("card-dialog"));
  #seconds = /** @type {HTMLSelectElement} */ (part("card-seconds"));
  #reason = /** @type {HTMLInputElement} */ (part("card-reason"));
  #everywhere = /** @type {HTMLInputElement} */ (part("card-everywhere"));
  #context;
  #confirmed;
  #room = "";
  #uid = "";
  #asked = 0;

  /** @param {Context} context @param {(text: string, yes: string) => Promise<boolean>} confirmed */
  constructor(context, confirmed) {
    this.#context = context;
    this.#confirmed = confirmed;
    makeClosable(this.#dialog);
    part("card-form").addEventListener("submit", (event) => event.preventDefault());
    for (const verb of /** @type {const} */ (["mute", "ban"])) {
      part(`card-${verb}`).addEventListener("click", () => void this.#then(this.#context.acts.sanction(verb, this.#room, this.#uid, this.#measure)));
    }
    part("card-kick").addEventListener("click", () => void this.#then(this.#context.acts.kick(this.#room, this.#uid, this.#reason.value.trim())));
    part("card-clear").addEventListener("click", () => void this.#clear());
  }

  /** @param {string} room @param {string} uid */
  open(room, uid) {
    this.#room = room;
    this.#uid = uid;
    this.#reason.value = "";
    this.#everywhere.checked = false;
    const isAdmin = this.#context.isAdmin();
    /** @type {HTMLElement} */ (this.#everywhere.parentElement).hidden = !isAdmin;
    part("card-title").textContent = uid;
    part("card-facts").replaceChildren();
    part("card-comments").replaceChildren();
    if (!this.#dialog.open) this.#dialog.showModal();
    void this.#read();
  }

  /** Something was done in a room. */
  changed() {
    if (this.#dialog.open) void this.#read();
  }

  get #measure() {
    const seconds = this.#seconds.value === "" ? null : Number(this.#seconds.value);
    return { seconds, reason: this.#reason.value.trim(), everywhere: this.#everywhere.checked };
  }

  async #read() {
    const asked = (this.#asked += 1);
    const uid = this.#uid;
    const others = this.#context.columns().filter(({ name, role }) => name !== this.#room && isAtLeast(role, "moderator"));
    const rooms = [this.#room, ...others.map(({ name }) => name)];
    /** @type {(Card | null)[]} */
    const cards = await Promise.all(rooms.map((room) => this.#context.acts.read(`admin/rooms/${room}/users/${uid}`)));
    if (asked !== this.#asked || cards[0] === null) return;
    this.#draw(cards[0], /** @type {Card[]} */ (cards.slice(1).filter((card) => card !== null)));
  }

  /** @param {Card} here @param {Card[]} elsewhere */
  #draw(here, elsewhere) {
    const name = here.comments.at(-1)?.name ?? here.uid;
    part("card-title").textContent = name === here.uid ? name : `${name} (${here.uid})`;
    const facts = [this.#rank(here), element("li", "", t("card.acts", { n: here.acts, room: here.room }))];
    for (const one of [...here.sanctions, ...here.everywhere]) facts.push(this.#sanction(one, here.everywhere.includes(one)));
    for (const card of elsewhere.filter(isKnown)) {
      const kinds = card.sanctions.map(({ kind }) => t(`kind.${kind}`)).join(", ");
      facts.push(element("li", "", t("card.elsewhere", { room: card.room, n: card.comments.length, acts: card.acts, kinds: kinds || "–" })));
    }
    redraw(part("card-facts"), facts);
    const rows = here.comments.map((said) => this.#said(said)).reverse();
    redraw(part("card-comments"), rows.length > 0 ? rows : [nothingRow(t("card.silent"))]);
  }

  /** @param {Card} card */
  #rank({ role, appointed_by }) {
    const row = element("li", "row wrap");
    row.dataset.key = "rank";
    row.append(role === null ? t("card.no_role") : t("card.role", { role: t(`role.${role}`), by: appointed_by ?? "" }));
    const column = this.#context.columns().find(({ name }) => name === this.#room);
    if (column === undefined || !isAtLeast(column.role, "streamer")) return row;
    const text = t(role === null ? "moderators.add" : "moderators.dismiss");
    row.append(element("span", "spring"), button(text, () => void this.#then(this.#context.acts.appoint(this.#room, this.#uid, role === null)), "quiet"));
    return row;
  }

  /** @param {Sanction} one @param {boolean} isEverywhere */
  #sanction({ kind, by, until, reason }, isEverywhere) {
    const row = element("li", "row wrap");
    row.dataset.key = `${kind} ${isEverywhere}`;
    const span = until === null ? t("until.lifted") : t("until.time", { time: when(until) });
    row.append(element("span", `badge ${kind === "ban" ? "bad" : "warn"}`, t(`kind.${kind}`)));
    row.append(t("card.sanction", { where: isEverywhere ? t("everywhere") : this.#room, by, span, reason }), element("span", "spring"));
    if (isEverywhere && !this.#context.isAdmin()) return row;
    row.append(button(t(`lift.${kind}`), () => void this.#then(this.#context.acts.lift(kind, this.#room, this.#uid, isEverywhere)), "quiet"));
    return row;
  }

  /** @param {Said} said */
  #said({ epoch, seq, at, text }) {
    const row = element("li", "row");
    row.dataset.key = `${epoch}-${seq}`;
    row.append(element("time", "hint", when(at)), element("bdi", "text", text), element("span", "spring"));
    const remove = button(t("act.delete"), () => void this.#then(this.#context.acts.recall(this.#room, `${epoch}-${seq}`, this.#uid)), "quiet");
    remove.setAttribute("aria-label", t("card.delete", { text }));
    row.append(remove);
    return row;
  }

  async #clear() {
    const [room, uid] = [this.#room, this.#uid];
    if (await this.#confirmed(t("card.clear.sure", { uid, room }), t("act.clear.user"))) await this.#then(this.#context.acts.clear(room, uid));
  }

  /** @param {Promise<any>} act */
  async #then(act) {
    if ((await act) !== null) await this.#read();
  }
}

/** @param {Card} card */
function isKnown({ comments, sanctions, acts, role }) {
  return comments.length > 0 || sanctions.length > 0 || acts > 0 || role !== null;
}
