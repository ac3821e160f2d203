/**
 * What happens to a group: what its messages of kind `member` say, and what that means for a user. Pure.
 *
 * @typedef {import("../sdk/protocol.js").Chat} Chat
 */

import { knows, t } from "../shared/language.js";
import { lasting } from "../shared/wording.js";

/** Whether `uid` is no member any more because of this. @param {Chat} message @param {string} uid */
export function sendsAway(message, uid) {
  const { verb, uid: whom } = message.change ?? {};
  return (verb === "leave" && message.from === uid) || (verb === "kick" && whom === uid);
}

/** Whether `uid` may speak again because of this. @param {Chat} message @param {string} uid */
export function letsSpeak(message, uid) {
  const { verb, uid: whom } = message.change ?? {};
  return verb === "unmute_all" || (verb === "unmute" && whom === uid);
}

/**
 * What can be said in the group from now on, and whether it is still one of the user's.
 * @param {Chat} message @param {string} uid @param {string} name of the group
 * @returns {{over: string, isGone: boolean} | null} null where that is as before
 */
export function over(message, uid, name) {
  const { verb, uids = [] } = message.change ?? {};
  if (sendsAway(message, uid)) {
    return { over: t(verb === "kick" ? "over.kick" : "over.gone", { from: message.from, name }), isGone: true };
  }
  if (verb === "dissolve") return { over: t("over.dissolved"), isGone: false };
  const isLetIn = (verb === "invite" && uids.includes(uid)) || (verb === "join" && message.from === uid);
  return isLetIn ? { over: "", isGone: false } : null;
}

/** What changed in a group. @param {string} from @param {Record<string, any>} change */
export function changeInWords(from, change) {
  const { name = "", uid = "", seconds } = change;
  const uids = Array.isArray(change.uids) ? change.uids.join(t("change.joint")) : "";
  const key = `change.${kindOfChange(change, uids)}`;
  return t(knows(key) ? key : "change.other", { from, name, uid, uids, time: lasting(seconds ?? 0) });
}

/** @param {Record<string, any>} change @param {string} uids with whom it was made */
function kindOfChange({ verb = "", role = "", seconds }, uids) {
  if (verb === "appoint") return `appoint.${role}`;
  if (verb === "create" && uids) return "create.with";
  return verb === "mute" && seconds ? "mute.for" : verb;
}
