/**
 * Who one is, and how one likes comments to look, as the browser remembers it.
 *
 * Tokens are kept for this tab only; the device is a secret by which a guest stays the same person.
 */

import { newId } from "../sdk/protocol.js";
import { ever, read, readMap, thisTab, write } from "./storage.js";

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
    return readMap("danmaku.look");
  }

  /** @param {Record<string, unknown>} look */
  keepLook(look) {
    write(ever, "danmaku.look", JSON.stringify(look));
  }
}
