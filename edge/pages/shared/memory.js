/**
 * What the browser remembers. Where it is not allowed to, everything works and is forgotten.
 *
 * Tokens are kept for this tab only; the device is a secret by which a guest stays the same person.
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
    this.refresh = read(thisTab, "danmaku.refresh") ?? "";
  }

  get device() {
    return this.#device;
  }

  /** As a guest. @param {string} name */
  keepName(name) {
    this.name = name;
    write(ever, "danmaku.name", name);
  }

  /** @param {string} token @param {string} refresh empty where there is none */
  keepTokens(token, refresh) {
    this.token = token;
    this.refresh = refresh;
    write(thisTab, "danmaku.token", token);
    write(thisTab, "danmaku.refresh", refresh);
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
