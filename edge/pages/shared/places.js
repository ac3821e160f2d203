/**
 * Where events stand in their room, by which those that were taken back are found.
 *
 * @typedef {import("../sdk/protocol.js").Event} Event
 * @typedef {import("../sdk/protocol.js").Position} Position
 */

import { takes } from "../sdk/recalls.js";

export class Places {
  /** @type {WeakMap<Event, Position>} */
  #places = new WeakMap();

  /** @param {Event} event @param {Position} position */
  keep(event, { epoch, seq }) {
    this.#places.set(event, { epoch, seq });
  }

  /**
   * Which of them the recall takes back, that stands at `at`.
   * @param {import("../sdk/protocol.js").Recall} recall @param {Position} at @returns {(event: Event) => boolean}
   */
  takenBack(recall, at) {
    return (event) => {
      const place = this.#places.get(event);
      return place !== undefined && takes(recall, at, event, place);
    };
  }
}
