/**
 * Groups over HTTP.
 *
 * @typedef {{uid: string, role: string, since: number, muted_until_ms?: number}} Member
 * @typedef {{gid: string, conv: string, name: string, members: Member[], dissolved: boolean}} Group
 */

import { Refusal } from "./protocol.js";

const ANSWER_MS = 10_000;

export class Groups {
  #token;

  /** @param {() => string} token */
  constructor(token) {
    this.#token = token;
  }

  /** @param {string} name @param {string[]} members @throws {Refusal} */
  make(name, members) {
    return this.#call("POST", "", { name, members });
  }

  /** @param {string} gid @throws {Refusal} */
  read(gid) {
    return this.#call("GET", `/${gid}`);
  }

  /** @param {string} gid @param {string} uid @throws {Refusal} */
  invite(gid, uid) {
    return this.#call("PUT", `/${gid}/members/${uid}`, {});
  }

  /** Leave, or send somebody away. @param {string} gid @param {string} uid @throws {Refusal} */
  remove(gid, uid) {
    return this.#call("DELETE", `/${gid}/members/${uid}`);
  }

  /** @param {string} method @param {string} path @param {object} [body] @returns {Promise<Group>} */
  async #call(method, path, body) {
    const headers = { Authorization: `Bearer ${this.#token()}`, ...(body && { "Content-Type": "application/json" }) };
    const asked = { method, headers, body: body && JSON.stringify(body), signal: AbortSignal.timeout(ANSWER_MS) };
    let answer;
    let said;
    try {
      answer = await fetch(`v1/groups${path}`, asked);
      said = await answer.json();
    } catch {
      throw new Refusal("unavailable", "the service cannot be reached right now");
    }
    if (answer.ok) return said;
    const { error = "internal", message = `the service said ${answer.status}`, retry_ms = null } = said.error ?? {};
    throw new Refusal(error, message, retry_ms);
  }
}
