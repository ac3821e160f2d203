/**
 * Tells the service, and the list, what was read: one word about it at a time.
 *
 * @typedef {import("./thread.js").Visit} Visit
 */

import { Lost } from "../sdk/connection.js";
import { sleep } from "../sdk/pace.js";
import { Refusal } from "../sdk/protocol.js";

const PAUSE_MS = 300; // between two words

export class Reading {
  #seen;
  #changed;
  #isTelling = false;

  /** @param {() => Visit | null} seen whose newest messages are in sight @param {() => void} changed what is unread */
  constructor(seen, changed) {
    this.#seen = seen;
    this.#changed = changed;
  }

  async tell() {
    const visit = this.#seen();
    if (visit === null || this.#isTelling) return;
    const { conversation: { conv, lastSeq, readSeq }, inbox, messenger } = visit;
    if (lastSeq <= readSeq) return;
    this.#isTelling = true;
    try {
      inbox.read(conv, inbox.me, await messenger.read(conv, lastSeq));
      this.#changed();
      await sleep(PAUSE_MS);
    } catch (error) {
      if (!(error instanceof Refusal || error instanceof Lost)) throw error;
      return; // it is told with the next message, or after the next connect
    } finally {
      this.#isTelling = false;
    }
    void this.tell();
  }
}
