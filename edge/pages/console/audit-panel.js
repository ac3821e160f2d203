/** The record of a room as it is written, or that of what admins did for all rooms; newest first. */

import { element } from "../shared/element.js";
import { knows, t } from "../shared/language.js";
import { button, field, input, nothingRow, select, when } from "../shared/parts.js";
import { read, thisTab, write } from "../shared/storage.js";
import { lasting, refused } from "../shared/wording.js";
import { adjusted, ruled } from "./adjusted.js";
import { Round } from "./round.js";
import { Trail } from "./trail.js";

/** @typedef {import("./trail.js").Entry} Entry */
const MOST = 1000;
const KEY = "danmaku.console.record"; // whose record was chosen last

export class AuditPanel {
  #context;
  #scope = select([["room", t("audit.room")], ["all", t("everywhere")]]);
  #search = input("search");
  #list = element("ol", "plain rows");
  #outcome = element("p", "outcome bad");
  #older = button(t("audit.older"), () => void this.#readOlder(), "quiet");
  /** What was before that which is followed. @type {Entry[]} */
  #past = [];
  /** @type {string | null} */
  #before = null;
  /** What was done for all rooms since. @type {Entry[]} */
  #everywhere = [];
  /** @type {Round | null} */
  #round = null;
  #room = "";
  #asked = 0;

  /** @param {HTMLElement} box @param {import("./panel.js").Context} context */
  constructor(box, context) {
    this.#context = context;
    this.#scope.addEventListener("change", () => {
      write(thisTab, KEY, this.#scope.value);
      void this.open();
    });
    this.#search.addEventListener("input", () => this.#draw());
    this.#list.setAttribute("aria-label", t("audit.label"));
    this.#outcome.setAttribute("role", "status");
    box.append(field("audit-scope", t("words.scope"), this.#scope), field("audit-search", t("audit.search"), this.#search), this.#outcome, this.#list, this.#older);
  }

  async open() {
    this.close();
    const isAdmin = this.#context.isAdmin();
    /** @type {HTMLElement} */ (this.#scope.parentElement).hidden = !isAdmin;
    this.#past = [];
    this.#outcome.textContent = "";
    this.#before = null;
    this.#room = this.#context.column()?.name ?? "";
    this.#scope.value = (isAdmin && (read(thisTab, KEY) || (this.#room === "" && "all"))) || "room";
    if (this.#scope.value === "all") this.#follow();
    await this.#readOlder();
  }

  close() {
    this.#round?.stop();
    this.#round = null;
  }

  hurry() {
    this.#round?.hurry();
  }

  changed() {
    this.#draw();
  }

  /** That of a room is followed by its column. */
  #follow() {
    const trail = new Trail(this.#context.calls, "v1/admin/audit");
    this.#everywhere = [];
    const look = async () => {
      const entries = await trail.next();
      if (round !== this.#round || entries.length === 0) return;
      this.#everywhere = [...this.#everywhere, ...entries].slice(-MOST);
      this.#draw();
    };
    const round = new Round(() => [look()], (refusal) => {
      this.close();
      this.#outcome.textContent = t("audit.stopped", { why: refused(refusal) });
    });
    this.#round = round;
    void round.run();
  }

  async #readOlder() {
    const asked = (this.#asked += 1);
    const room = this.#room;
    if (room === "" && this.#scope.value === "room") return this.#draw();
    const base = this.#scope.value === "all" ? "admin/audit" : `admin/rooms/${room}/audit`;
    const page = await this.#context.acts.read(`${base}?limit=50${this.#before === null ? "" : `&before=${this.#before}`}`);
    if (page === null || asked !== this.#asked) return;
    this.#past = [...page.entries, ...this.#past].slice(-MOST);
    this.#before = page.before ?? this.#before;
    this.#older.hidden = page.entries.length < 50;
    this.#draw();
  }

  #draw() {
    const followed = this.#scope.value === "room" ? this.#context.column()?.record ?? [] : this.#everywhere;
    const last = this.#past.at(-1);
    // One act is told by both. Acts of one millisecond are told apart by what they are about.
    const known = new Set(this.#past.map(key));
    const all = [...this.#past, ...followed.filter((one) => (last === undefined || one.at >= last.at) && !known.has(key(one)))];
    const wanted = this.#search.value.trim().toLowerCase();
    const shown = all.filter((one) => `${sentenceOf(one)} ${one.reason}`.toLowerCase().includes(wanted)).reverse();
    const empty = t(all.length === 0 ? "audit.none" : "audit.unfound");
    this.#list.replaceChildren(...(shown.length === 0 ? [nothingRow(empty)] : shown.map((one) => this.#row(one))));
  }

  /** @param {Entry} one */
  #row(one) {
    const row = element("li", "act");
    row.append(element("time", "hint", when(one.at)), element("span", "text", sentenceOf(one)));
    if (one.reason) row.append(element("q", "", one.reason));
    return row;
  }
}

/** @param {Entry} one */
function key({ at, by, verb, uid, what }) {
  return [at, by, verb, uid, what].join(" ");
}

/** What nobody did was over by its time. @param {Entry} one */
function sentenceOf({ by, verb, uid, what, seconds }) {
  const about = verb === "settings" || verb === "put" ? ruled(what) : adjusted(verb, what);
  const plain = by ? `verb.${verb}` : `over.${verb}`;
  const told = about === "" && knows(`${plain}.bare`) ? `${plain}.bare` : plain; // nothing was set with it
  const span = seconds === null ? "" : t("for.time", { time: lasting(seconds) });
  const text = knows(told) ? t(told, { by, uid: uid || t("everybody"), what: about, span }) : [by, verb, uid, what, span].join(" ");
  return text.replaceAll(/\s+/g, " ").trim();
}
