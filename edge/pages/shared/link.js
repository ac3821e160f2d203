/**
 * The connection of a page to its service: at once again when the network is back, and elsewhere when the service asks for that.
 *
 * @typedef {import("../sdk/connection.js").Listener} Listener
 */

import { socketAddress } from "../sdk/address.js";
import { Connection } from "../sdk/connection.js";
import { TIMING } from "../sdk/pace.js";

export class Link extends Connection {
  /** @param {() => Record<string, unknown>} hello fields of the greeting, asked for at each attempt @param {Listener} listener */
  constructor(hello, listener) {
    super(socketAddress(new URL(".", document.baseURI).href), hello, {
      changed: (state) => listener.changed(state),
      opened: () => listener.opened?.(),
      greeted: (ok) => listener.greeted?.(ok),
      delivered: (frame) => {
        if (frame.t === "notice" && frame.kind === "reconnect") this.move(frame.retry_ms ?? 0);
        listener.delivered(frame);
      },
      lost: () => listener.lost(),
    }, TIMING);
    addEventListener("online", () => this.hurry());
    addEventListener("offline", () => this.doubt());
  }
}
