/**
 * The rules of a room as one follows them, and in words: what is different by each change, also of those that history tells.
 *
 * @typedef {import("../sdk/protocol.js").Position} Position
 * @typedef {import("../sdk/protocol.js").RoomSettings} RoomSettings
 */

import { compare, START } from "../sdk/reader.js";
import { t } from "./language.js";
import { lasting } from "./wording.js";

/** How many at most are told in one sentence. */
const MOST = 6;

/** Those that are off at 0, and last so long otherwise. @type {[keyof RoomSettings, string][]} */
const TIMES = [["slow_s", "slow"], ["min_account_s", "age"], ["delay_s", "delay"]];
/** @type {[keyof RoomSettings, string][]} */
const SWITCHES = [
  ["guests_may_send", "guests"], ["staff_only", "staff"], ["members_only", "members"],
  ["followers_only", "followers"], ["emoji_only", "emoji"], ["review", "review"],
];

export class Ruling {
  /** @type {RoomSettings} */
  #now = {};
  /** Before that which history tells next; null where nobody knows. @type {RoomSettings | null} */
  #before = null;
  /** @type {Position | null} */
  #head = null;

  /** Those that hold. @returns {RoomSettings} */
  get now() {
    return this.#now;
  }

  /** One came in, or in again: what stands up to `head` is history. @param {RoomSettings} settings that hold now @param {Position} head */
  hold(settings, head) {
    if (this.#head !== null) this.#before = this.#now;
    this.#now = settings;
    this.#head = head;
  }

  /**
   * Other rules were told.
   * @param {RoomSettings} settings @param {Position} position @returns {string} what is different; "" where that is nothing viewers mind, or not known
   */
  change(settings, position) {
    const isHistory = compare(position, this.#head ?? START) <= 0;
    const before = isHistory ? this.#before : this.#now;
    if (isHistory) this.#before = settings;
    else this.#now = settings;
    return before === null ? "" : changesInWords(before, settings);
  }
}

/** A sentence; empty where nothing a viewer minds is different. @param {RoomSettings} before @param {RoomSettings} after */
function changesInWords(before, after) {
  const isOther = (/** @type {keyof RoomSettings} */ name) => after[name] !== undefined && after[name] !== before[name];
  const rules = [];
  for (const [name, word] of TIMES) {
    if (!isOther(name) || Number(after[name]) === Number(before[name] ?? 0)) continue;
    rules.push(Number(after[name]) > 0 ? t(`rule.${word}`, { time: lasting(Number(after[name])) }) : t(`rule.${word}.off`));
  }
  for (const [name, word] of SWITCHES) if (isOther(name)) rules.push(t(after[name] ? `rule.${word}` : `rule.${word}.off`));
  if (isOther("links")) rules.push(t(`rule.links.${after.links}`));
  if (isOther("max_length")) rules.push(t("rule.length", { n: after.max_length }));
  return rules.length === 0 ? "" : t("rules", { rules: rules.slice(0, MOST).join(t("rules.joint")) });
}
