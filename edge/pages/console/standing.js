/** How one stands in a room: whether one is in it, and may moderate it. Why not is said in a line. */

import { element } from "../shared/element.js";
import { t } from "../shared/language.js";
import { PASSING } from "../shared/returning.js";
import { noticed, refused } from "../shared/wording.js";

/** @typedef {import("../sdk/protocol.js").Refusal} Refusal */

export class Standing {
  line = element("p", "outcome bad");
  #out = "";
  #barred = "";
  /** Whether what keeps one out ends by itself. */
  #isPassing = false;

  constructor() {
    this.line.setAttribute("role", "status");
  }

  /** One was sent out, or not let in. */
  get isOut() {
    return this.#out !== "";
  }

  /** Not let in, until the room is there, or open. */
  get isWaiting() {
    return this.isOut && this.#isPassing;
  }

  cameIn() {
    this.#tell("", this.#barred);
  }

  /** @param {Refusal} refusal */
  keptOut(refusal) {
    this.#isPassing = PASSING.has(refusal.name);
    this.#tell(whyOf(refusal), this.#barred);
  }

  /** @param {import("../sdk/protocol.js").Notice} notice that one was kicked or banned */
  sentOut({ kind, reason, retry_ms: retryMs }) {
    this.#isPassing = false;
    this.#tell(t(`room.${kind}`, { told: noticed(kind, reason, retryMs) }), this.#barred);
  }

  mayModerate() {
    this.#tell(this.#out, "");
  }

  /** @param {Refusal} refusal */
  mayNotModerate(refusal) {
    const why = whyOf(refusal);
    this.#tell(this.#out, refusal.name === "room_not_found" ? why : t("room.refused", { why }));
  }

  /** That one is out comes first. @param {string} out @param {string} barred */
  #tell(out, barred) {
    [this.#out, this.#barred] = [out, barred];
    this.line.textContent = out || barred;
  }
}

/** @param {Refusal} refusal */
function whyOf(refusal) {
  return refusal.name === "room_not_found" ? t("room.new") : refused(refusal);
}
