/**
 * What a moderator does, each by one call: it says that it is done, or why not. What can be undone offers that for a while.
 *
 * @typedef {import("../sdk/calls.js").Calls} Calls
 * @typedef {import("../shared/toasts.js").Toasts} Toasts
 * @typedef {{seconds?: number | null, reason?: string, everywhere?: boolean}} Measure seconds: null until it is lifted
 */

import { t } from "../shared/language.js";
import { told } from "../shared/telling.js";
import { lasting } from "../shared/wording.js";

const UNDO = { mute: "mutes", ban: "bans" };
/** How an act is called where that is not `act.…`. @type {Record<string, string>} */
const CALLED = {
  unmute: "lift.mute", unban: "lift.ban", approve: "held.approve", deny: "held.deny", raid: "raid.on", unraid: "raid.off",
  words: "words.label", appoint: "moderators.add", dismiss: "moderators.dismiss",
};

export class Acts {
  #calls;
  #toasts;
  #done;
  #nameOf;
  /** @type {(() => Promise<any>) | null} */
  #undo = null;
  /** Raised with each user: what one did before is none of the next one's. */
  #turn = 0;

  /**
   * @param {Calls} calls @param {Toasts} toasts @param {(room: string) => void} done something was done in a room, "" for all
   * @param {(uid: string, room: string) => string} nameOf in that room rather than elsewhere; "" where nobody knows
   */
  constructor(calls, toasts, done, nameOf) {
    this.#calls = calls;
    this.#toasts = toasts;
    this.#done = done;
    this.#nameOf = nameOf;
  }

  /** @param {"mute" | "ban"} verb @param {string} room @param {string} uid @param {Measure} measure */
  async sanction(verb, room, uid, { seconds = null, reason = "", everywhere = false } = {}) {
    const body = { uid, ...(seconds !== null && { seconds }), ...(reason && { reason }) };
    const span = seconds === null ? t("until.lifted") : t("for.time", { time: lasting(seconds) });
    const undo = () => this.lift(verb, room, uid, everywhere);
    return this.#do(verb, room, ["POST", `${base(room, everywhere)}/${UNDO[verb]}`, body], { ...this.#whom(uid, room, everywhere), span }, undo);
  }

  /** @param {"mute" | "ban"} verb @param {string} room @param {string} uid @param {boolean} everywhere */
  lift(verb, room, uid, everywhere = false) {
    return this.#do(`un${verb}`, room, ["DELETE", `${base(room, everywhere)}/${UNDO[verb]}/${uid}`], this.#whom(uid, room, everywhere));
  }

  /** @param {string} room @param {string} uid @param {string} reason */
  kick(room, uid, reason = "") {
    return this.#do("kick", room, ["POST", `${base(room)}/kicks`, { uid, ...(reason && { reason }) }], this.#whom(uid, room));
  }

  /** @param {string} room @param {string} place `epoch-seq` @param {string} uid who said it */
  recall(room, place, uid) {
    return this.#do("delete", room, ["DELETE", `${base(room)}/messages/${place}`], this.#whom(uid, room));
  }

  /** All that one said, or with "" that anybody said. @param {string} room @param {string} uid */
  clear(room, uid) {
    return this.#do(uid === "" ? "clear" : "clear.user", room, ["POST", `${base(room)}/clear`, uid === "" ? {} : { uid }], this.#whom(uid, room));
  }

  /** @param {string} room @param {{id: string, uid: string}} held @param {"approve" | "deny"} decision */
  decide(room, { id, uid }, decision) {
    return this.#do(decision, room, ["POST", `${base(room)}/held/${id}`, { decision }], this.#whom(uid, room));
  }

  /** @param {string} room @param {number} seconds 0 ends it */
  raid(room, seconds) {
    const path = `${base(room)}/raid`;
    if (seconds === 0) return this.#do("unraid", room, ["DELETE", path], { where: room });
    return this.#do("raid", room, ["POST", path, { seconds }], { where: room, time: lasting(seconds) });
  }

  /** @param {string} room @param {Record<string, unknown>} changes */
  configure(room, changes) {
    return this.#do("settings", room, ["PATCH", `${base(room)}/settings`, changes], { where: room });
  }

  /** @param {string} room @param {string} uid @param {boolean} appointed */
  appoint(room, uid, appointed) {
    const path = `${base(room)}/moderators/${uid}`;
    return this.#do(appointed ? "appoint" : "dismiss", room, appointed ? ["PUT", path, {}] : ["DELETE", path], this.#whom(uid, room));
  }

  /** @param {string} room "" for all @param {object} lists with the version they replace */
  putWords(room, lists) {
    return this.#do("words", room, ["PUT", `${base(room, room === "")}/words`, lists], this.#whom("", room, room === ""));
  }

  /** What is to be read; null where that was refused, which is said. @param {string} path below `v1/` @returns {Promise<any>} */
  async read(path) {
    return told(this.#toasts, () => this.#calls.call("GET", `v1/${path}`));
  }

  /** @param {string} room @param {string} text @returns {Promise<any>} */
  tryWords(room, text) {
    return told(this.#toasts, () => this.#calls.call("POST", `${base(room)}/words/test`, { text }));
  }

  /** Another user: what the one before did, or could not, is not his. */
  forget() {
    this.#turn += 1;
    this.#undo = null;
    this.#toasts.clear();
  }

  /** Undo the last that can be. */
  undo() {
    if (this.#undo === null) this.#toasts.bad(t("undo.nothing"));
    else void this.#takeBack(this.#undo);
  }

  /** Where that is refused it can be tried again. @param {() => Promise<any>} undo */
  async #takeBack(undo) {
    if (this.#undo === undo) this.#undo = null;
    const turn = this.#turn;
    if ((await undo()) === null && turn === this.#turn) this.#undo ??= undo;
  }

  /** To whom, and where, in words. @param {string} uid "" for nobody in particular @param {string} room */
  #whom(uid, room, everywhere = false) {
    return { who: uid && this.#who(uid, room), where: everywhere ? t("everywhere") : room };
  }

  /** With the name, if he has one; it is somebody's own text. @param {string} uid @param {string} room */
  #who(uid, room) {
    const name = this.#nameOf(uid, room);
    return name === "" || name === uid ? uid : t("who", { name: `\u2068${name}\u2069`, uid });
  }

  /**
   * @param {string} act as words call it @param {string} room @param {[method: string, path: string, body?: object]} call
   * @param {{who?: string, where: string, [more: string]: string | undefined}} values of what is said then
   * @param {(() => Promise<any>) | null} undo
   * @returns {Promise<any>} the answer, null where it was refused
   */
  async #do(act, room, call, values, undo = null) {
    const turn = this.#turn;
    const bad = (/** @type {string} */ why) => void (turn === this.#turn && this.#undone(act, values, why));
    const answer = await told({ bad }, () => this.#calls.call(...call));
    if (answer === null || turn !== this.#turn) return null;
    if (undo !== null) this.#undo = undo;
    this.#toasts.good(t(`done.${act}`, values), undo && { label: t("undo"), act: () => void this.#takeBack(undo) });
    this.#done(room);
    return answer;
  }

  /** One may have gone on to the next meanwhile. @param {string} act @param {{who?: string, where: string}} values @param {string} why */
  #undone(act, { who, where }, why) {
    const whom = [who, where].filter(Boolean).join(", ");
    this.#toasts.keep(t("undone", { act: t(CALLED[act] ?? `act.${act}`), whom, why }));
  }
}

/** @param {string} room @param {boolean} everywhere */
function base(room, everywhere = false) {
  return everywhere ? "v1/admin" : `v1/admin/rooms/${room}`;
}
