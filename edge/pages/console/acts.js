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

export class Acts {
  #calls;
  #toasts;
  #done;
  #nameOf;
  /** @type {(() => Promise<any>) | null} */
  #undo = null;

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
    const path = `${base(room, everywhere)}/${UNDO[verb]}`;
    const body = { uid, ...(seconds !== null && { seconds }), ...(reason && { reason }) };
    const span = seconds === null ? t("until.lifted") : t("for.time", { time: lasting(seconds) });
    const undo = () => this.lift(verb, room, uid, everywhere);
    return this.#do("POST", path, body, room, t(`done.${verb}`, { who: this.#who(uid, room), span, where: place(room, everywhere) }), undo);
  }

  /** @param {"mute" | "ban"} verb @param {string} room @param {string} uid @param {boolean} everywhere */
  lift(verb, room, uid, everywhere = false) {
    const done = t(`done.un${verb}`, { who: this.#who(uid, room), where: place(room, everywhere) });
    return this.#do("DELETE", `${base(room, everywhere)}/${UNDO[verb]}/${uid}`, undefined, room, done);
  }

  /** @param {string} room @param {string} uid @param {string} reason */
  kick(room, uid, reason = "") {
    return this.#do("POST", `${base(room)}/kicks`, { uid, ...(reason && { reason }) }, room, t("done.kick", { who: this.#who(uid, room), where: room }));
  }

  /** @param {string} room @param {string} place `epoch-seq` @param {string} uid who said it */
  recall(room, place, uid) {
    return this.#do("DELETE", `${base(room)}/messages/${place}`, undefined, room, t("done.delete", { who: this.#who(uid, room) }));
  }

  /** All that one said, or with "" that anybody said. @param {string} room @param {string} uid */
  clear(room, uid) {
    const done = uid === "" ? t("done.clear", { where: room }) : t("done.clear.user", { who: this.#who(uid, room), where: room });
    return this.#do("POST", `${base(room)}/clear`, uid === "" ? {} : { uid }, room, done);
  }

  /** @param {string} room @param {string} id @param {"approve" | "deny"} decision */
  decide(room, id, decision) {
    return this.#do("POST", `${base(room)}/held/${id}`, { decision }, room, t(`done.${decision}`));
  }

  /** @param {string} room @param {number} seconds 0 ends it */
  raid(room, seconds) {
    if (seconds === 0) return this.#do("DELETE", `${base(room)}/raid`, undefined, room, t("done.unraid", { where: room }));
    return this.#do("POST", `${base(room)}/raid`, { seconds }, room, t("done.raid", { where: room, time: lasting(seconds) }));
  }

  /** @param {string} room @param {Record<string, unknown>} changes */
  configure(room, changes) {
    return this.#do("PATCH", `${base(room)}/settings`, changes, room, t("done.settings", { where: room }));
  }

  /** @param {string} room @param {string} uid @param {boolean} appointed */
  appoint(room, uid, appointed) {
    const [method, done] = appointed ? ["PUT", "done.appoint"] : ["DELETE", "done.dismiss"];
    return this.#do(method, `${base(room)}/moderators/${uid}`, appointed ? {} : undefined, room, t(done, { who: this.#who(uid, room), where: room }));
  }

  /** @param {string} room "" for all @param {object} lists with the version they replace */
  putWords(room, lists) {
    return this.#do("PUT", `${base(room, room === "")}/words`, lists, room, t("done.words"));
  }

  /** What is to be read; null where that was refused, which is said. @param {string} path below `v1/` @returns {Promise<any>} */
  async read(path) {
    return told(this.#toasts, () => this.#calls.call("GET", `v1/${path}`));
  }

  /** @param {string} room @param {string} text @returns {Promise<any>} */
  tryWords(room, text) {
    return told(this.#toasts, () => this.#calls.call("POST", `${base(room)}/words/test`, { text }));
  }

  /** Undo the last that can be. */
  undo() {
    const undo = this.#undo;
    this.#undo = null;
    if (undo === null) this.#toasts.bad(t("undo.nothing"));
    else void undo();
  }

  /** With the name, if he has one; it is somebody's own text. @param {string} uid @param {string} room */
  #who(uid, room) {
    const name = this.#nameOf(uid, room);
    return name === "" || name === uid ? uid : t("who", { name: `\u2068${name}\u2069`, uid });
  }

  /**
   * @param {string} method @param {string} path @param {object | undefined} body @param {string} room
   * @param {string} done what to say then @param {(() => Promise<any>) | null} undo
   * @returns {Promise<any>} the answer, null where it was refused
   */
  async #do(method, path, body, room, done, undo = null) {
    const answer = await told(this.#toasts, () => this.#calls.call(method, path, body));
    if (answer === null) return null;
    if (undo !== null) this.#undo = undo;
    const press = () => {
      if (this.#undo === undo) this.#undo = null;
      void undo?.();
    };
    this.#toasts.good(done, undo && { label: t("undo"), act: press });
    this.#done(room);
    return answer;
  }
}

/** @param {string} room @param {boolean} everywhere */
function base(room, everywhere = false) {
  return everywhere ? "v1/admin" : `v1/admin/rooms/${room}`;
}

/** @param {string} room @param {boolean} everywhere */
function place(room, everywhere) {
  return everywhere ? t("everywhere") : room;
}
