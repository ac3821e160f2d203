/** What the record says of settings of the service that were adjusted, and of a room's rules, in words. */

import { knows, t } from "../shared/language.js";

/** What another act is about, and what was cut for its length, is as it is. @param {string} verb @param {string} what */
export function adjusted(verb, what) {
  if (verb !== "adjust" && verb !== "roll_back") return what;
  try {
    const { version, ...found } = JSON.parse(what);
    const changes = Object.entries(found).map(([key, change]) => changeOf(key, change)).join(t("adjusted.and"));
    if (verb === "adjust") return changes;
    const back = t(version === 0 ? "adjusted.none" : "adjusted.version", { version });
    return changes === "" ? back : t("adjusted.with", { back, changes });
  } catch {
    return what;
  }
}

/** Rules of a room that were changed, or all it was set up with; what was cut for its length is as it is. @param {string} what */
export function ruled(what) {
  try {
    const { settings = {}, ...others } = JSON.parse(what);
    return Object.entries({ ...others, ...settings }).map(([key, now]) => t("adjusted.rule", { key: t(`setting.${key}`), now: ruleOf(key, now) })).join(t("adjusted.and"));
  } catch {
    return what;
  }
}

/** @param {string} key @param {unknown} now null: as for all rooms */
function ruleOf(key, now) {
  if (now === null) return t("setting.inherit");
  if (knows(`setting.${key}.${now}`)) return t(`setting.${key}.${now}`);
  return typeof now === "boolean" ? t(now ? "on" : "off") : shown(now);
}

/** Or how many more there are. @param {string} key @param {{was: unknown, now?: unknown, back_to?: unknown} | number} change */
function changeOf(key, change) {
  if (typeof change === "number") return t("adjusted.more", { count: change });
  const isBack = "back_to" in change;
  return t(isBack ? "adjusted.back" : "adjusted.now", { key, was: shown(change.was), now: shown(isBack ? change.back_to : change.now) });
}

/** Words without quotes. @param {unknown} value */
function shown(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}
