/**
 * One line of a feed: what was said, by whom, and whether it was taken back.
 *
 * @typedef {import("../sdk/protocol.js").Event} Event
 * @typedef {import("../sdk/protocol.js").Position} Position
 */

import { element, person } from "./element.js";
import { language, t } from "./language.js";
import { money } from "./wording.js";

const clock = new Intl.DateTimeFormat(language(), { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const RANKED = new Set(["moderator", "streamer", "admin"]);

export class Entry {
  /** Who took it back, where that is known; null where nobody did. @type {string | null} */
  recalledBy = null;

  /** @param {Event} event one that somebody said @param {Position} position @param {number} at */
  constructor(event, position, at) {
    this.event = event;
    this.position = position;
    this.at = at;
    const { uid = "", name = "", role = "" } = /** @type {{uid?: string, name?: string, role?: string}} */ (event);
    this.uid = uid;
    this.name = name;
    this.role = role;
    this.row = this.#draw(name);
  }

  /** As the API writes it. */
  get place() {
    return `${this.position.epoch}-${this.position.seq}`;
  }

  /** It was taken back; by "" where that is not known yet. @param {string} by */
  recall(by) {
    if (this.recalledBy !== null && (by === "" || by === this.recalledBy)) return;
    this.recalledBy = by;
    this.row.classList.add("recalled");
    this.row.querySelector(".fate")?.remove();
    const fate = by === "" ? t("recalled") : t("recalled.by", { by });
    this.row.append(element("span", "fate", fate));
  }

  /** @param {string} name */
  #draw(name) {
    const row = element("article", `entry ${this.event.kind}`);
    row.tabIndex = -1;
    const time = element("time", "", clock.format(this.at));
    time.setAttribute("datetime", new Date(this.at).toISOString());
    row.append(time);
    if (RANKED.has(this.role)) row.append(element("span", `badge ${this.role}`, t(`role.${this.role}`)));
    row.append(person(this.uid, name), " ");
    if (this.uid !== name) row.append(element("bdi", "uid", this.uid), " ");
    row.append(element("bdi", "text", said(this.event)));
    return row;
  }
}

/** What happened in the room itself. @param {string} text @param {number} at */
export function note(text, at) {
  const row = element("article", "entry note");
  row.tabIndex = -1;
  row.append(element("time", "", clock.format(at)), element("span", "text", text));
  return row;
}

/** @param {import("../sdk/protocol.js").Gift} gift */
function paidFor({ amount, currency }) {
  return amount === null ? "" : money({ amount, currency });
}

/** @param {Event} event */
function said(event) {
  switch (event.kind) {
    case "gift":
      return t("feed.gift", { gift: event.gift, count: event.count, text: [paidFor(event), event.text].filter(Boolean).join(" ") });
    case "paid":
      return `${money(event)} ${event.text}`;
    case "announce":
      return t("feed.announce", { text: event.text });
    case "comment":
      return event.text;
    default:
      return "";
  }
}
