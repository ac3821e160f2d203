/** The console: who is signed in, which panel is shown, and what a key does. */

import { isId } from "../sdk/protocol.js";
import { confirmed, prepareConfirm } from "../shared/confirm.js";
import { makeClosable, part } from "../shared/dialog.js";
import { Identity, isAtLeast } from "../shared/identity.js";
import { learn, t, translate } from "../shared/language.js";
import { Memory } from "../shared/memory.js";
import { ModeratorsPanel } from "../shared/moderators.js";
import { offerPreferencesDialog } from "../shared/preferences.js";
import { SignIn } from "../shared/sign-in.js";
import staffEn from "../shared/staff.en.js";
import staffZh from "../shared/staff.zh-CN.js";
import { Status } from "../shared/status.js";
import { Toasts } from "../shared/toasts.js";
import { Acts } from "./acts.js";
import { AuditPanel } from "./audit-panel.js";
import { CardDialog } from "./card.js";
import { Desk } from "./desk.js";
import { HeldPanel } from "./held.js";
import { isAddressWrong, MOST_ROOMS, offerRooms } from "./rooms.js";
import { SanctionsPanel } from "./sanctions-panel.js";
import { SettingsPanel } from "./settings-panel.js";
import { SignsPanel } from "./signs-panel.js";
import { Tabs } from "./tabs.js";
import { WordsPanel } from "./words-panel.js";
import en from "./words.en.js";
import zh from "./words.zh-CN.js";

const NARROW = matchMedia("(max-width: 860px)");
const LIVE = "live";
const WALKS = new Set(["ArrowDown", "End"]);

class Console {
  #memory = new Memory();
  #identity = new Identity(this.#memory, {
    began: () => this.#began(), ended: (why) => this.#ended(why), unanswered: () => this.#desk.link.doubt(),
  }, () => this.#desk.link.serviceNow);
  #signIn = new SignIn(part("sign-in"), this.#identity, t("sign_in.purpose"));
  #toasts = new Toasts(part("toasts"));
  #acts = new Acts(this.#identity.calls, this.#toasts, (room) => this.#done(room), (uid, room) => this.#desk.nameOf(uid, room));
  #status = new Status(() => this.#desk.link.connect());
  #desk = new Desk(this.#identity, this.#acts, {
    state: (state) => {
      this.#status.show(state);
      void this.#identity.heed(state, () => this.#desk.link.connect());
    },
    hello: () => ({ token: this.#memory.token, device: this.#memory.device }),
    back: () => this.#panels[this.#tabs.name]?.hurry?.(),
    chosen: () => this.#look(),
    changed: () => this.#news(),
    muteSeconds: () => seconds(/** @type {HTMLSelectElement} */ (part("mute-seconds")).value),
    openCard: (room, uid) => this.#card.open(room, uid),
  });
  #context = {
    acts: this.#acts, column: () => this.#desk.column, columns: () => this.#desk.columns,
    calls: this.#identity.calls,
    isAdmin: () => this.#identity.who?.role === "admin",
    openCard: (/** @type {string} */ room, /** @type {string} */ uid) => this.#card.open(room, uid),
  };
  #held = new HeldPanel(part("panel-held"), this.#context);
  #signs = new SignsPanel(part("panel-signs"), this.#context);
  /** @type {Record<string, import("./panel.js").Panel>} */
  #panels = {
    held: this.#held, signs: this.#signs, words: new WordsPanel(part("panel-words"), this.#context),
    sanctions: new SanctionsPanel(part("panel-sanctions"), this.#context),
    settings: new SettingsPanel(part("panel-settings"), this.#context),
    audit: new AuditPanel(part("panel-audit"), this.#context),
    moderators: new ModeratorsPanel(part("panel-moderators"), this.#context),
  };
  #card = new CardDialog(this.#context, confirmed);
  #tabs = new Tabs(part("tabs"), () => this.#look());
  /** Who was signed in last. @type {string | undefined} */
  #uid = undefined;

  start() {
    prepareConfirm();
    const keys = /** @type {HTMLDialogElement} */ (part("keys-dialog"));
    makeClosable(keys);
    part("keys-button").addEventListener("click", () => keys.showModal());
    offerPreferencesDialog(part("preferences-button"));
    part("sign-out").addEventListener("click", () => this.#identity.signOut());
    part("add-room").addEventListener("submit", (event) => this.#add(event));
    part("room-field").addEventListener("focus", () => void offerRooms(this.#identity.calls, /** @type {HTMLDataListElement} */ (part("room-names"))));
    part("clear-room").addEventListener("click", () => void this.#clear());
    document.addEventListener("keydown", (event) => this.#press(event));
    NARROW.addEventListener("change", () => this.#fit());
    this.#fit();
    this.#identity.start();
    if (this.#identity.token === "") this.#signIn.show();
  }

  #began() {
    this.#desk.close();
    this.#signIn.hide();
    for (const name of ["console", "add-room", "tools", "sign-out"]) part(name).hidden = false;
    part("me").textContent = this.#identity.who?.name ?? "";
    if (this.#uid !== this.#identity.who?.uid) this.#acts.forget();
    this.#uid = this.#identity.who?.uid;
    this.#desk.link.connect();
    if (isAddressWrong()) this.#toasts.bad(t("rooms.unusable"));
    this.#desk.open();
    this.#look();
  }

  /** @param {string} why */
  #ended(why) {
    this.#desk.close();
    for (const panel of Object.values(this.#panels)) panel.close?.();
    for (const dialog of document.querySelectorAll("dialog")) dialog.close();
    for (const name of ["console", "add-room", "tools", "sign-out"]) part(name).hidden = true;
    part("me").textContent = "";
    this.#signIn.show(why);
  }

  /** On a phone the feeds are a tab like the others; elsewhere they are always there. */
  #fit() {
    part("tab-live").hidden = !NARROW.matches;
    const isOut = !NARROW.matches && this.#tabs.name === LIVE;
    if (this.#tabs.name === "" || isOut) this.#tabs.show(NARROW.matches ? LIVE : "held");
    part("live").hidden = NARROW.matches && this.#tabs.name !== LIVE;
  }

  /** Another panel is shown, or another room looked at. */
  #look() {
    part("live").hidden = NARROW.matches && this.#tabs.name !== LIVE;
    part("panel-room").textContent = this.#desk.column?.name ?? "";
    part("panel-room").hidden = this.#desk.column === null;
    for (const [name, panel] of Object.entries(this.#panels)) if (name !== this.#tabs.name) panel.close?.();
    if (this.#identity.token !== "") void this.#panels[this.#tabs.name]?.open();
    this.#offer();
    this.#count();
  }

  /** There is news of a room. */
  #news() {
    if (this.#tabs.name !== "sanctions") this.#panels[this.#tabs.name]?.changed?.();
    this.#offer();
    this.#count();
  }

  /** Something was done, here. @param {string} room "" for all */
  #done(room) {
    this.#desk.hurry(room);
    this.#panels[this.#tabs.name]?.hurry?.();
    if (this.#tabs.name === "sanctions") this.#panels.sanctions.changed?.();
  }

  /** Only what one may do in the room that is looked at. */
  #offer() {
    const { column } = this.#desk;
    part("clear-room").hidden = column === null || !isAtLeast(column.role, "moderator");
  }

  #count() {
    this.#tabs.count("held", this.#held.count);
    this.#tabs.count("signs", this.#signs.count);
    document.title = this.#held.count > 0 ? t("title.held", { n: this.#held.count }) : t("title");
  }

  /** @param {Event} event */
  #add(event) {
    event.preventDefault();
    const field = /** @type {HTMLInputElement} */ (part("room-field"));
    const room = field.value.trim();
    const why = !isId(room) ? t("rooms.bad") : this.#desk.add(room) ? "" : t("rooms.full", { n: MOST_ROOMS });
    field.setCustomValidity(why);
    if (why === "") field.value = "";
    else field.reportValidity();
    field.addEventListener("input", () => field.setCustomValidity(""), { once: true });
  }

  async #clear() {
    const room = this.#desk.column?.name;
    if (room !== undefined && (await confirmed(t("clear.sure", { room }), t("act.clear")))) await this.#acts.clear(room, "");
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    const { target } = event;
    const isWriting = target instanceof Element && target.closest("input, select, textarea, dialog") !== null;
    if (isWriting || event.repeat || event.ctrlKey || event.metaKey || event.altKey || part("console").hidden) return;
    if (this.#act(event)) event.preventDefault();
  }

  /** @param {KeyboardEvent} event @returns {boolean} whether it meant something */
  #act(event) {
    const column = this.#desk.column;
    const inFeed = event.target instanceof Element && event.target.closest(".feed") !== null;
    const entry = inFeed ? column?.feed.focused ?? null : null;
    if (column !== null && entry !== null && column.acts.press(event, entry)) return true;
    switch (event.key) {
      case "?":
        /** @type {HTMLDialogElement} */ (part("keys-dialog")).showModal();
        return true;
      case "z":
        this.#acts.undo();
        return true;
      case "l":
        if (NARROW.matches) this.#tabs.show(LIVE);
        column?.feed.enter();
        return true;
      case "h":
        this.#tabs.show("held");
        this.#held.enter();
        return true;
      case "p":
        column?.pause();
        return true;
      case "Escape":
        column?.feed.follow();
        return inFeed;
      case "ArrowLeft":
      case "ArrowRight":
        if (inFeed) this.#desk.beside(event.key === "ArrowLeft" ? -1 : 1);
        return inFeed;
      default:
        return !event.defaultPrevented && this.#begin(event);
    }
  }

  /** No comment was chosen yet. @param {KeyboardEvent} event @returns {boolean} whether it meant something */
  #begin({ key, target }) {
    const { column } = this.#desk;
    if (column === null || NARROW.matches) return false;
    const isElsewhere = target instanceof Element && target.closest(".panel, [role=tablist]") !== null; // where arrows are not the feed's
    if (key === "ArrowUp" && !isElsewhere) column.feed.enterShown();
    else if (WALKS.has(key) && !isElsewhere) column.feed.enter();
    else if (column.acts.wants(key)) this.#toasts.bad(t(isElsewhere ? "choose.elsewhere" : "choose"));
    else return false;
    return true;
  }
}

/** @param {string} value "" for until it is lifted */
function seconds(value) {
  return value === "" ? null : Number(value);
}

learn({ en: staffEn, "zh-CN": staffZh });
learn({ en, "zh-CN": zh });
translate();
new Console().start();
