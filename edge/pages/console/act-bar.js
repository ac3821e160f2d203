/** The buttons beside the comment one looks at, and the keys for the same: only what one's role may do. */

import { element } from "../shared/element.js";
import { isAtLeast } from "../shared/identity.js";
import { t } from "../shared/language.js";

/** @typedef {import("../shared/entry.js").Entry} Entry */
/** @typedef {"delete" | "mute" | "ban" | "kick" | "card"} Verb */
/** @typedef {import("./acts.js").Acts} Acts */

/** How long mutes by a digit last, in seconds. @type {Record<string, number | null>} */
export const MUTES = { 1: 60, 2: 600, 3: 3600, 4: 86_400, 5: null };
/** @type {Record<string, Verb>} */
const KEYS = { d: "delete", m: "mute", b: "ban", k: "kick", c: "card", Enter: "card" };
const SHOWN = /** @type {Verb[]} */ (["delete", "mute", "ban", "kick", "card"]);

export class ActBar {
  #bar = element("span", "acts");
  #desk;
  /** @type {Entry | null} */
  #entry = null;

  /**
   * @param {{acts: Acts, room: string, role: () => string, uid: () => string, muteSeconds: () => number | null,
   *   openCard: (room: string, uid: string) => void}} desk
   */
  constructor(desk) {
    this.#desk = desk;
    for (const verb of SHOWN) {
      const button = /** @type {HTMLButtonElement} */ (element("button", verb === "card" ? "quiet" : "", t(`act.${verb}`)));
      button.type = "button";
      button.dataset.verb = verb;
      button.addEventListener("click", () => this.#entry && this.act(verb, this.#entry));
      this.#bar.append(button);
    }
  }

  /** @param {Entry} entry @param {HTMLElement} row */
  show(entry, row) {
    if (this.#bar.contains(document.activeElement) && !row.contains(document.activeElement)) return; // the pointer only passes by
    if (this.#entry !== entry || this.#bar.parentElement !== row) {
      this.#entry = entry;
      for (const button of this.#bar.querySelectorAll("button")) {
        button.hidden = !this.may(/** @type {Verb} */ (button.dataset.verb), entry);
      }
      row.append(this.#bar);
    }
    const list = row.parentElement;
    const isLooked = row.contains(document.activeElement) || row === list?.lastElementChild; // the pointer may only pass by others
    if (list && isLooked) list.scrollTop += Math.max(0, this.#bar.getBoundingClientRect().bottom - list.getBoundingClientRect().bottom);
  }

  /** @param {KeyboardEvent} event @param {Entry} entry @returns {boolean} whether the key meant something */
  press(event, entry) {
    const { key } = event;
    if (event.target instanceof HTMLButtonElement && key === "Enter") return false;
    if (key in MUTES) this.#mute(entry, MUTES[key]);
    else if (key in KEYS) this.act(KEYS[key], entry);
    else return false;
    return true;
  }

  /** Whether the key would do something, were a comment chosen. @param {string} key */
  wants(key) {
    return KEYS[key] === "card" ? key !== "Enter" : (key in MUTES || key in KEYS) && isAtLeast(this.#desk.role(), "moderator");
  }

  /** Whether it is worth asking for. @param {Verb} verb @param {Entry} entry */
  may(verb, entry) {
    const role = this.#desk.role();
    const theirs = entry.role || "viewer";
    if (verb === "card") return entry.uid !== "";
    if (!isAtLeast(role, "moderator")) return false;
    if (verb === "delete") return entry.recalledBy === null && isAtLeast(role, theirs);
    if (entry.uid === "" || entry.uid === this.#desk.uid()) return false;
    return role === "admin" || (isAtLeast(role, theirs) && role !== theirs);
  }

  /** @param {Verb} verb @param {Entry} entry */
  act(verb, entry) {
    if (!this.may(verb, entry)) return;
    const { acts, room, muteSeconds, openCard } = this.#desk;
    if (verb === "delete") void acts.recall(room, entry.place, entry.uid);
    else if (verb === "mute") this.#mute(entry, muteSeconds());
    else if (verb === "ban") void acts.sanction("ban", room, entry.uid);
    else if (verb === "kick") void acts.kick(room, entry.uid);
    else openCard(room, entry.uid);
  }

  /** @param {Entry} entry @param {number | null} seconds */
  #mute(entry, seconds) {
    if (this.may("mute", entry)) void this.#desk.acts.sanction("mute", this.#desk.room, entry.uid, { seconds });
  }
}
