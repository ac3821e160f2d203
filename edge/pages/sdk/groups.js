/**
 * Groups over HTTP, and what one's role there allows.
 *
 * @typedef {import("./calls.js").Calls} Calls
 * @typedef {{uid: string, role: string, since: number, muted_until_ms?: number}} Member
 * @typedef {{gid: string, conv: string, name: string, members: Member[], muted: boolean, dissolved: boolean}} Group
 */

import { newId } from "./protocol.js";

/** @type {Record<string, number>} */
const RANKS = { member: 0, admin: 1, owner: 2 };

/** Each change has an id of its own: made again, as nobody knows what came of it, it is made once. */
export class Groups {
  #calls;

  /** @param {Calls} calls */
  constructor(calls) {
    this.#calls = calls;
  }

  /** @param {string} name @param {string[]} members @throws {Refusal} */
  make(name, members) {
    return this.#change("POST", "", { gid: newId(), name, members });
  }

  /** @param {string} gid @returns {Promise<Group>} @throws {Refusal} */
  read(gid) {
    return this.#calls.call("GET", `v1/groups/${gid}`);
  }

  /** @param {string} gid @param {string} name @throws {Refusal} */
  rename(gid, name) {
    return this.#change("PATCH", `/${gid}`, { name });
  }

  /** Whether only its staff may speak. @param {string} gid @param {boolean} muted @throws {Refusal} */
  muteAll(gid, muted) {
    return this.#change("PATCH", `/${gid}`, { muted });
  }

  /** @param {string} gid @throws {Refusal} */
  dissolve(gid) {
    return this.#change("DELETE", `/${gid}`);
  }

  /** @param {string} gid @param {string} uid @throws {Refusal} */
  invite(gid, uid) {
    return this.#change("PUT", `/${gid}/members/${uid}`, {});
  }

  /** Leave, or send somebody away. @param {string} gid @param {string} uid @throws {Refusal} */
  remove(gid, uid) {
    return this.#change("DELETE", `/${gid}/members/${uid}`);
  }

  /** With `owner` the group is handed over. @param {string} gid @param {string} uid @param {string} role @throws {Refusal} */
  appoint(gid, uid, role) {
    return this.#change("PUT", `/${gid}/members/${uid}`, { role });
  }

  /** Until it is lifted where `seconds` is null. @param {string} gid @param {string} uid @param {number | null} seconds */
  mute(gid, uid, seconds) {
    return this.#change("POST", `/${gid}/mutes`, { uid, ...(seconds !== null && { seconds }) });
  }

  /** @param {string} gid @param {string} uid @throws {Refusal} */
  unmute(gid, uid) {
    return this.#change("DELETE", `/${gid}/mutes/${uid}`);
  }

  /** @param {string} method @param {string} path @param {object} [body] @returns {Promise<Group>} @throws {Refusal} */
  #change(method, path, body) {
    return this.#calls.call(method, `v1/groups${path}?cid=${newId()}`, body);
  }
}

/** @param {string} role */
export function isStaff(role) {
  return (RANKS[role] ?? 0) > 0;
}

/** Whether staff of role `mine` may mute and send away. @param {string} mine @param {string} role of whom */
export function isAbove(mine, role) {
  return (RANKS[mine] ?? 0) > (RANKS[role] ?? 0);
}
