/**
 * What this viewer does not want to see: people and words. Kept in this browser alone, nobody is told.
 *
 * @typedef {import("../sdk/protocol.js").Event} Event
 * @typedef {{uid: string, name: string}} Blocked
 */

import { ever, readMap, write } from "../shared/storage.js";

const KEY = "danmaku.blocks";
const MOST = 200; // people, and words
const LONGEST_WORD = 64;

export class Blocks {
  /** By uid. @type {Map<string, string>} */
  #users = new Map();
  /** As they are looked for, and as they were written. @type {Map<string, string>} */
  #words = new Map();

  constructor() {
    const { users, words } = readMap(KEY);
    for (const one of Array.isArray(users) ? users : []) this.#putUser(String(one?.uid ?? ""), String(one?.name ?? ""));
    for (const word of Array.isArray(words) ? words : []) this.#putWord(String(word));
  }

  /** @returns {Blocked[]} */
  get users() {
    return [...this.#users].map(([uid, name]) => ({ uid, name }));
  }

  get words() {
    return [...this.#words.values()];
  }

  /** @param {string} uid @param {string} name @returns {boolean} whether there was room for one more */
  blockUser(uid, name) {
    return this.#keep(this.#putUser(uid, name));
  }

  /** @param {string} word @returns {boolean} whether there was room for one more */
  blockWord(word) {
    return this.#keep(this.#putWord(word));
  }

  /** @param {string} uid */
  unblockUser(uid) {
    this.#keep(this.#users.delete(uid));
  }

  /** @param {string} word */
  unblockWord(word) {
    this.#keep(this.#words.delete(plain(word)));
  }

  /** Whether this viewer would rather not see it. @param {Event} event */
  hides(event) {
    if (event.kind !== "comment" && event.kind !== "gift" && event.kind !== "paid") return false;
    if (this.#users.has(event.uid)) return true;
    if (this.#words.size === 0) return false;
    const text = plain(`${event.name}\n${event.text}`);
    for (const word of this.#words.keys()) if (text.includes(word)) return true;
    return false;
  }

  /** @param {string} uid @param {string} name */
  #putUser(uid, name) {
    if (uid === "" || (this.#users.size >= MOST && !this.#users.has(uid))) return false;
    this.#users.set(uid, name);
    return true;
  }

  /** @param {string} word */
  #putWord(word) {
    const key = plain(word).slice(0, LONGEST_WORD);
    if (key === "" || (this.#words.size >= MOST && !this.#words.has(key))) return false;
    this.#words.set(key, word.trim().slice(0, LONGEST_WORD));
    return true;
  }

  /** @param {boolean} isDone */
  #keep(isDone) {
    if (isDone) write(ever, KEY, JSON.stringify({ users: this.users, words: this.words }));
    return isDone;
  }
}

/** Without regard to case and width. @param {string} text */
function plain(text) {
  return text.normalize("NFKC").toLowerCase().trim();
}
