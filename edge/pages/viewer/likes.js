/**
 * The running total of likes. Clicks are counted at once here and told to the service gathered.
 *
 * @typedef {import("../sdk/room.js").Room} Room
 */

import { Lost } from "../sdk/connection.js";
import { Refusal } from "../sdk/protocol.js";
import { short } from "../shared/wording.js";

const GATHER_MS = 400;
const MOST = 100; // that one frame may say

export class Likes {
  #button;
  #number;
  #room;
  #cheer;
  #refused;
  #total = 0;
  #told = 0; // and not yet in the total
  #untold = 0;
  #timer = 0;

  /**
   * @param {HTMLButtonElement} button @param {HTMLElement} number
   * @param {() => Room | null} room none where one is not in it: likes wait for that @param {(count: number) => void} cheer
   * @param {(refusal: Refusal) => void} refused
   */
  constructor(button, number, room, cheer, refused) {
    this.#button = button;
    this.#number = number;
    this.#room = room;
    this.#cheer = cheer;
    this.#refused = refused;
    this.#button.addEventListener("click", () => this.#add());
  }

  /** Another room. */
  clear() {
    this.#total = this.#told = this.#untold = 0;
    this.#show();
  }

  /** Whoever comes in may. */
  open() {
    this.#button.disabled = false;
  }

  /** One is out of the room: here nothing counts any more. */
  close() {
    this.#button.disabled = true;
    this.#untold = 0;
    this.#show();
  }

  /** @param {number} total as the service counts */
  set(total) {
    const others = total - this.#total - this.#told;
    if (this.#total > 0 && others > 0) this.#cheer(others);
    this.#total = total;
    this.#told = 0;
    if (this.#untold > 0) this.#gather();
    this.#show();
  }

  #add() {
    this.#cheer(1);
    this.#untold = Math.min(MOST, this.#untold + 1);
    this.#gather();
    this.#show();
  }

  #gather() {
    this.#timer ||= setTimeout(() => void this.#tell(), GATHER_MS);
  }

  async #tell() {
    this.#timer = 0;
    const count = this.#untold;
    const room = this.#room();
    if (room === null || count === 0) return;
    this.#untold = 0;
    this.#told += count;
    try {
      await room.like(count);
    } catch (error) {
      this.#told = Math.max(0, this.#told - count);
      this.#show();
      if (error instanceof Refusal) this.#refused(error);
      else if (!(error instanceof Lost)) throw error;
    }
  }

  #show() {
    this.#number.textContent = short(this.#total + this.#told + this.#untold);
  }
}
