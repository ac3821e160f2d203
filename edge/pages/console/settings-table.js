/**
 * The settings of a room, as the form shows them: what each is, and within which bounds.
 *
 * @typedef {{key: string, kind: "flag"} | {key: string, kind: "number", least: number, most: number} |
 *   {key: string, kind: "choice", choices: string[]}} Kind
 * @typedef {Kind & {who: "moderator" | "streamer"}} Setting
 */

const YEAR_S = 366 * 24 * 3600;

/** @type {Setting[]} in the order in which one needs them */
export const SETTINGS = [
  flag("staff_only"),
  number("slow_s", 0, YEAR_S),
  flag("review"),
  { key: "links", kind: "choice", choices: ["show", "refuse", "hold"], who: "moderator" },
  flag("followers_only"),
  flag("members_only"),
  number("min_account_s", 0, YEAR_S),
  flag("guests_may_send"),
  flag("emoji_only"),
  number("max_length", 1, 10_000),
  number("unique_s", 0, YEAR_S),
  number("repeat_s", 0, YEAR_S),
  number("delay_s", 0, 10),
  { ...number("display_per_s", 1, 1_000_000_000), who: "streamer" },
];

/** @param {string} key @returns {Setting} */
function flag(key) {
  return { key, kind: "flag", who: "moderator" };
}

/** @param {string} key @param {number} least @param {number} most @returns {Setting} */
function number(key, least, most) {
  return { key, kind: "number", least, most, who: "moderator" };
}
