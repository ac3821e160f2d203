/**
 * What the browser remembers. Where it is not allowed to, everything works and is forgotten.
 *
 * The token is kept for this tab only; the device is a secret by which a guest stays the same person.
 */

import { newId } from "../sdk/protocol.js";

/** @param {() => Storage} storage @param {string} key @returns {string | null} */
function read(storage, key) {
  try {
    return storage().getItem(key);
  } catch {
    return null;
  }
}

/** @param {() => Storage} storage @param {string} key @param {string} value empty: forget it */
function write(storage, key, value) {
  try {
    if (value) storage().setItem(key, value);
    else storage().removeItem(key);
  } catch {
    // it is forgotten then
  }
}

const ever = () => localStorage;
const thisTab = () => sessionStorage;

export class Memory {
  #device = read(ever, "danmaku.device") ?? newId();

  constructor() {
    write(ever, "danmaku.device", this.#device);
    this.name = read(ever, "danmaku.name") ?? "";
    this.token = read(thisTab, "danmaku.token") ?? "";
  }

  get device() {
    return this.#device;
  }

  /** @param {string} name @param {string} token */
  keepWho(name, token) {
    this.name = name;
    this.token = token;
    write(ever, "danmaku.name", name);
    write(thisTab, "danmaku.token", token);
  }

  /** What was kept, or nothing. @returns {Record<string, unknown>} */
  readLook() {
    try {
      const look = JSON.parse(read(ever, "danmaku.look") ?? "{}");
      return typeof look === "object" && look !== null ? look : {};
    } catch {
      return {};
    }
  }

  /** @param {Record<string, unknown>} look */
  keepLook(look) {
    write(ever, "danmaku.look", JSON.stringify(look));
  }
}
