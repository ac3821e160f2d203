/**
 * What the streamer says: a comment like any other, or an announcement, which may be pinned. What is sent leaves the box at
 * once, one after the other, and comes back where it was not taken. Each room has its own.
 *
 * @typedef {{kind: "comment", text: string} | {kind: "announce", text: string, pin_s?: number}} Saying
 * @typedef {object} Way how it is said
 * @property {(room: string, saying: Saying, cid: string) => Promise<unknown>} send may throw Refusal
 * @property {(saying: Saying) => string} waits what to say of what is sent now, where there is no connection
 */

import { Refusal } from "../sdk/protocol.js";
import { part } from "../shared/dialog.js";
import { t } from "../shared/language.js";
import { Once } from "../shared/once.js";
import { Place } from "../shared/place.js";
import { lasts, rewrite } from "../shared/submit.js";
import { lasting, refused } from "../shared/wording.js";

const PINS = [60, 300, 900, 3600];

/** What is written and said in one room. @extends {Place<Saying>} */
class RoomPlace extends Place {
  room;
  outcome = "";
  isBad = false;
  once = { comment: new Once(), announce: new Once() };

  /** @param {string} room */
  constructor(room) {
    super();
    this.room = room;
  }
}

export class Speech {
  #way;
  #toasts;
  #form = /** @type {HTMLFormElement} */ (part("say"));
  #text = /** @type {HTMLInputElement} */ (part("say-text"));
  #pin = /** @type {HTMLSelectElement} */ (part("say-pin"));
  #hint = this.#text.placeholder;
  #place = new RoomPlace("");
  /** By room. @type {Map<string, RoomPlace>} */
  #places = new Map();

  /** @param {Way} way @param {import("../shared/toasts.js").Toasts} toasts */
  constructor(way, toasts) {
    this.#way = way;
    this.#toasts = toasts;
    this.#pin.append(new Option(t("say.no_pin"), ""), ...PINS.map((s) => new Option(lasting(s), String(s))));
    this.#form.addEventListener("change", () => (part("say-pin-box").hidden = this.#draft("").kind !== "announce"));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
      this.#text.focus({ preventScroll: true });
    });
    this.#text.addEventListener("input", () => this.#write());
  }

  /** @param {boolean} isStaff whether one may announce */
  allow(isStaff) {
    part("say-kinds").hidden = !isStaff;
    if (isStaff) return;
    /** @type {HTMLInputElement} */ (part("say-comment")).checked = true;
    part("say-pin-box").hidden = true;
  }

  /** What was written in another room stands there when one comes back. @param {string} room none: "" */
  show(room) {
    this.#place.isNext = false;
    this.#place = this.#places.get(room) ?? new RoomPlace(room);
    this.#places.set(room, this.#place);
    this.#draw();
  }

  /** Another user: what one wrote is not for the other. */
  forget() {
    this.#places.clear();
    this.show("");
  }

  /** As it is chosen. @param {string} text @returns {Saying} */
  #draft(text) {
    if (new FormData(this.#form).get("kind") !== "announce") return { kind: "comment", text };
    return { kind: "announce", text, ...(this.#pin.value !== "" && { pin_s: Number(this.#pin.value) }) };
  }

  #submit() {
    const place = this.#place;
    const text = place.text.trim();
    if (place.isBusy) {
      place.isNext = true;
    } else if (place.said !== null) {
      void this.#try(place, place.said);
    } else if (text !== "") {
      place.text = "";
      void this.#try(place, this.#draft(text));
    }
  }

  /** @param {RoomPlace} place @param {Saying} saying */
  async #try(place, saying) {
    place.said = saying;
    place.isBusy = true;
    const waits = this.#way.waits(saying);
    this.#tell(place, waits);
    try {
      const sent = place.once[saying.kind].say(JSON.stringify(saying), (cid) => this.#way.send(place.room, saying, cid));
      await lasts(sent, () => place.outcome === waits && this.#way.waits(saying) === "" && this.#tell(place, t("sent.still")));
      this.#taken(place, saying);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#refused(place, saying, error);
    }
  }

  /** @param {RoomPlace} place @param {Saying} saying */
  #taken(place, saying) {
    const isNext = place.come();
    this.#tell(place, "");
    if (!this.#isKnown(place)) return;
    const done = t("done.announced");
    if (saying.kind === "announce") this.#toasts.good(place === this.#place ? done : `${place.room}: ${done}`);
    if (isNext) this.#submit();
  }

  /** @param {RoomPlace} place @param {Saying} saying @param {Refusal} refusal */
  #refused(place, saying, refusal) {
    const { kind, text } = saying;
    const isOpen = place.once[kind].isOpen(JSON.stringify(saying));
    const isHere = place === this.#place;
    place.refused(saying, isOpen);
    this.#tell(place, isOpen ? t("sent.unanswered") : refused(refusal), true);
    if (!isHere && this.#isKnown(place)) this.#toasts.bad(t(isOpen ? "say.unknown" : "say.kept", { room: place.room, text }));
  }

  /** Whether it is of who is signed in. @param {RoomPlace} place */
  #isKnown(place) {
    return this.#places.get(place.room) === place;
  }

  /** @param {RoomPlace} place @param {string} outcome */
  #tell(place, outcome, isBad = false) {
    [place.outcome, place.isBad] = [outcome, isBad];
    if (place === this.#place) this.#draw();
  }

  /** What was said of another text is over. */
  #write() {
    Object.assign(this.#place, { text: this.#text.value, isNext: false }); // it is another text now
    if (this.#place.said === null) this.#tell(this.#place, "");
  }

  #draw() {
    const { text, said, isBusy, outcome, isBad } = this.#place;
    if (text !== this.#text.value) rewrite(this.#text, text);
    this.#text.placeholder = isBusy && said !== null ? said.text : this.#hint;
    part("say-outcome").textContent = said === null || isBusy ? outcome : `${outcome}: ${said.text}`;
    part("say-outcome").classList.toggle("bad", isBad);
  }
}
