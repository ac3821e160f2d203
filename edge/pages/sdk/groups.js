/**
 * Groups over HTTP, and what one's role there allows.
 *
 * @typedef {import("./calls.js").Calls} Calls
 * @typedef {{uid: string, role: string, since: number, muted_until_ms?: number}} Member
 * @typedef {{gid: string, conv: string, name: string, members: Member[], muted: boolean, dissolved: boolean}} Group
 */

import { isId, newId, Refusal } from "./protocol.js";

/** @type {Record<string, number>} */
const RANKS = { member: 0, admin: 1, owner: 2 };

/** Each change has an id of its own: made again, as nobody knows what came of it, it is made once. */
export class Groups {
  #calls;
  #me;

  /** @param {Calls} calls @param {() => string} me the uid of who is logged in */
  constructor(calls, me = () => "") {
    this.#calls = calls;
    this.#me = me;
  }

  /** A group of one's own. @param {string} name @param {string[]} members @throws {Refusal} */
  make(name, members = [], gid = newId()) {
    return this.#change("POST", "", { gid, name, members });
  }

  /** @param {string} gid @returns {Promise<Group>} @throws {Refusal} */
  async read(gid) {
    return this.#calls.call("GET", `v1/groups/${id(gid)}`);
  }

  /** @param {string} gid @param {string} name @throws {Refusal} */
  async rename(gid, name) {
    return this.#change("PATCH", `/${id(gid)}`, { name });
  }

  /** Whether only its staff may speak. @param {string} gid @param {boolean} muted @throws {Refusal} */
  async muteAll(gid, muted = true) {
    return this.#change("PATCH", `/${id(gid)}`, { muted });
  }

  /** @param {string} gid @throws {Refusal} */
  async dissolve(gid) {
    return this.#change("DELETE", `/${id(gid)}`);
  }

  /** Only where groups are open, and for who was not sent away. @param {string} gid @throws {Refusal} */
  async join(gid) {
    return this.invite(gid, this.#me());
  }

  /** An owner hands the group over first, or dissolves it. @param {string} gid @throws {Refusal} */
  async leave(gid) {
    return this.remove(gid, this.#me());
  }

  /** He is a member at once. @param {string} gid @param {string} uid @throws {Refusal} */
  async invite(gid, uid) {
    return this.#change("PUT", `/${id(gid)}/members/${id(uid)}`, {});
  }

  /** Leave, or send somebody away. @param {string} gid @param {string} uid @throws {Refusal} */
  async remove(gid, uid) {
    return this.#change("DELETE", `/${id(gid)}/members/${id(uid)}`);
  }

  /** A member becomes the owner, and the owner an admin. @param {string} gid @param {string} uid @throws {Refusal} */
  async handOver(gid, uid) {
    return this.appoint(gid, uid, "owner");
  }

  /** With `owner` the group is handed over. @param {string} gid @param {string} uid @param {string} role @throws {Refusal} */
  async appoint(gid, uid, role) {
    return this.#change("PUT", `/${id(gid)}/members/${id(uid)}`, { role });
  }

  /** Until it is lifted where `seconds` is null. @param {string} gid @param {string} uid @param {number | null} seconds @throws {Refusal} */
  async mute(gid, uid, seconds = null) {
    return this.#change("POST", `/${id(gid)}/mutes`, { uid, ...(seconds !== null && { seconds }) });
  }

  /** @param {string} gid @param {string} uid @throws {Refusal} */
  async unmute(gid, uid) {
    return this.#change("DELETE", `/${id(gid)}/mutes/${id(uid)}`);
  }

  /** @param {string} method @param {string} path @param {object} [body] @returns {Promise<Group>} @throws {Refusal} */
  #change(method, path, body) {
    return this.#calls.call(method, `v1/groups${path}?cid=${newId()}`, body);
  }
}

/** What becomes part of an address. @param {string} value @throws {Refusal} */
function id(value) {
  if (!isId(value)) throw new Refusal("bad_id", "ids are 1 to 64 letters, digits, - and _");
  return value;
}

/** @param {string} role */
export function isStaff(role) {
  return (RANKS[role] ?? 0) > 0;
}

/** Whether staff of role `mine` may mute and send away. @param {string} mine @param {string} role of whom */
export function isAbove(mine, role) {
  return (RANKS[mine] ?? 0) > (RANKS[role] ?? 0);
}
