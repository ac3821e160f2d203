/**
 * The rules of a room in words: what is different now.
 *
 * @typedef {import("../sdk/protocol.js").RoomSettings} RoomSettings
 */

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

/** A sentence; empty where nothing a viewer minds is different. @param {RoomSettings} before @param {RoomSettings} after */
export function changesInWords(before, after) {
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
