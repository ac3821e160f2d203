/** Words that are not allowed: of the room, or of all rooms; each change replaces the list if nobody else changed it meanwhile. */

import { element } from "../shared/element.js";
import { t } from "../shared/language.js";
import { button, field, input, nothingRow, select } from "../shared/parts.js";
import { redraw } from "../shared/redraw.js";

/** @typedef {"refuse" | "hold" | "shadow" | "mask"} Action */
/** @typedef {Record<Action, string[]> & {version: string}} Lists */
const ACTIONS = /** @type {Action[]} */ (["refuse", "hold", "shadow", "mask"]);
const SHOWN = 200;

export class WordsPanel {
  #context;
  #scope = select([["room", t("words.room")], ["all", t("words.all")]]);
  #search = input("search");
  #count = element("p", "hint");
  #list = element("ul", "plain rows");
  #entry = input();
  #action = select(ACTIONS.map((action) => [action, t(`words.${action}`)]));
  #paste = document.createElement("textarea");
  #pasteAction = select(ACTIONS.map((action) => [action, t(`words.${action}`)]));
  #text = input();
  #tried = element("p", "outcome");
  /** @type {Lists | null} */
  #lists = null;
  /** Where they were read. @type {string | null} */
  #from = null;
  #asked = 0;

  /** @param {HTMLElement} box @param {import("./panel.js").Context} context */
  constructor(box, context) {
    this.#context = context;
    this.#scope.addEventListener("change", () => void this.open());
    this.#search.addEventListener("input", () => this.#draw());
    this.#paste.rows = 6;
    this.#paste.spellcheck = false;
    this.#list.setAttribute("aria-label", t("words.label"));
    this.#tried.setAttribute("role", "status");
    box.append(field("words-scope", t("words.scope"), this.#scope), this.#adding(), this.#trying());
    box.append(field("words-search", t("words.search"), this.#search), this.#count, this.#list, this.#replacing());
  }

  async open() {
    const scope = /** @type {HTMLElement} */ (this.#scope.parentElement);
    scope.hidden = !this.#context.isAdmin();
    if (scope.hidden) this.#scope.value = "room";
    const asked = (this.#asked += 1);
    const path = this.#path;
    if (path !== this.#from) this.#keep(path, null); // what is of one room is never put into another
    const lists = path === null ? null : await this.#context.acts.read(path);
    if (asked === this.#asked) this.#keep(path, lists);
  }

  /** @param {string | null} from @param {Lists | null} lists */
  #keep(from, lists) {
    this.#from = from;
    this.#lists = lists;
    this.#draw();
  }

  /** "" for all rooms; null while there is none to look at. */
  get #room() {
    return this.#scope.value === "all" ? "" : this.#context.column()?.name ?? null;
  }

  get #path() {
    const room = this.#room;
    return room === null ? null : room === "" ? "admin/words" : `admin/rooms/${room}/words`;
  }

  #draw() {
    const wanted = this.#search.value.trim().toLowerCase();
    const lists = this.#lists;
    const all = lists === null ? [] : ACTIONS.flatMap((action) => lists[action].map((entry) => ({ action, entry })));
    const found = all.filter(({ entry }) => entry.toLowerCase().includes(wanted));
    this.#count.textContent = t("words.count", { n: all.length, found: found.length, shown: Math.min(found.length, SHOWN) });
    const rows = found.slice(0, SHOWN).map(({ action, entry }) => this.#row(action, entry));
    redraw(this.#list, rows.length > 0 ? rows : [nothingRow(t(all.length === 0 ? "words.none" : "words.unfound"))]);
  }

  /** @param {Action} action @param {string} entry */
  #row(action, entry) {
    const row = element("li", "row");
    row.dataset.key = entry;
    const remove = button(t("words.remove"), () => void this.#put((lists) => drop(lists, entry)), "quiet");
    remove.setAttribute("aria-label", t("words.remove.one", { entry }));
    row.append(element("bdi", "mono ellipsis", entry), element("span", "spring"), element("span", "badge", t(`words.${action}`)), remove);
    return row;
  }

  #adding() {
    const form = element("form", "row wrap adding");
    form.append(field("words-entry", t("words.entry"), this.#entry), field("words-action", t("words.what"), this.#action));
    form.append(submit(t("words.add")));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const entry = this.#entry.value.trim();
      if (entry === "") return void this.#entry.focus();
      const action = /** @type {Action} */ (this.#action.value);
      void this.#put((lists) => ({ ...drop(lists, entry), [action]: [...drop(lists, entry)[action], entry] })).then((isDone) => {
        if (isDone) this.#entry.value = "";
      });
    });
    return form;
  }

  #trying() {
    const form = element("form", "row wrap adding");
    form.append(field("words-text", t("words.try"), this.#text), submit(t("words.try.go")), this.#tried);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#try();
    });
    return form;
  }

  async #try() {
    const room = this.#context.column()?.name;
    if (room === undefined) return;
    const found = await this.#context.acts.tryWords(room, this.#text.value);
    if (found === null) return;
    const { action, entry, text } = found;
    this.#tried.textContent = action === null ? t("words.tried.nothing") : t("words.tried", { what: t(`words.${action}`), entry, text });
  }

  #replacing() {
    const details = element("details", "card");
    const form = element("form", "stack");
    form.append(field("words-paste-action", t("words.what"), this.#pasteAction), field("words-paste", t("words.paste"), this.#paste));
    const row = element("p", "row end");
    row.append(button(t("words.paste.load"), () => this.#load()), submit(t("words.paste.go")));
    form.append(row);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const entries = [...new Set(this.#paste.value.split("\n").map((line) => line.trim()).filter((line) => line !== ""))];
      void this.#put((lists) => ({ ...lists, [this.#pasteAction.value]: entries }));
    });
    details.append(element("summary", "", t("words.replace")), element("p", "hint", t("words.replace.hint")), form);
    return details;
  }

  /** What is there now, to be changed as text. */
  #load() {
    this.#paste.value = (this.#lists?.[/** @type {Action} */ (this.#pasteAction.value)] ?? []).join("\n");
  }

  /** @param {(lists: Lists) => Lists} change */
  async #put(change) {
    const room = this.#room;
    if (this.#lists === null) await this.open(); // pressed before they were read
    if (this.#lists === null || room === null || room !== this.#room) return false;
    const answer = await this.#context.acts.putWords(room, change(this.#lists));
    await this.open(); // where somebody else was faster: what they made of it
    return answer !== null;
  }
}

/** @param {Lists} lists @param {string} entry @returns {Lists} */
function drop(lists, entry) {
  const without = ACTIONS.map((action) => [action, lists[action].filter((one) => one !== entry)]);
  return { ...Object.fromEntries(without), version: lists.version };
}

/** @param {string} text */
function submit(text) {
  const made = /** @type {HTMLButtonElement} */ (element("button", "primary", text));
  made.type = "submit";
  return made;
}
