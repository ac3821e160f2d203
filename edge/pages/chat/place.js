/**
 * What is written and said in one conversation. What is sent leaves the box at once, one after the other, and comes back
 * where it was not taken. Pure.
 *
 * @typedef {import("../sdk/protocol.js").Part} Part
 * @typedef {{text: string, address: string, body: Part[]}} Said body: the two as parts
 */

import { Once } from "../shared/once.js";
import { beyond, rejoined } from "../shared/submit.js";
import { webAddress } from "./inbox.js";

export const UNDECIDED = "undecided"; // why, where nobody answered

export class Place {
  conv;
  text = "";
  /** Of an image. */
  address = "";
  /** What has left the box and may not have come yet. @type {Said | null} */
  said = null;
  /** Whether that is under way; else Send repeats it. */
  isBusy = false;
  /** Whether what is in the box is to follow it. */
  isNext = false;
  /** The word about what became of it. */
  saying = "";
  isBad = false;
  /** Of which refusal that tells; of none: "". */
  why = "";
  once = new Once();

  /** @param {string} conv */
  constructor(conv) {
    this.conv = conv;
  }

  get isEmpty() {
    return this.text.trim() === "" && this.address.trim() === "";
  }

  /** What is written leaves the box. @param {Part[]} body @returns {Said} */
  take(body) {
    this.said = { text: this.text.trim(), address: this.address.trim(), body };
    this.text = this.address = "";
    return this.said;
  }

  /** It has come, and need not be said again; it may stand in the box once more. @param {Part[]} body */
  come(body) {
    if (this.said === null) this.#strike(body);
    this.said = null;
    this.isBusy = this.isNext = false;
  }

  /** It was not taken. @param {Said} said @param {boolean} isOpen nobody knows what came of it */
  refused(said, isOpen) {
    this.isBusy = this.isNext = false;
    const isWritten = !this.isEmpty && (this.text.trim() !== said.text || this.address.trim() !== said.address);
    const isSecondImage = said.address !== "" && this.address.trim() !== "";
    if (isWritten && (isOpen || isSecondImage)) return; // joined it would be said twice, or have two images
    this.said = null;
    if (said.text !== "") this.text = rejoined(said.text, this.text);
    this.address = said.address || this.address;
  }

  /** @param {Part[]} body */
  #strike(body) {
    const of = (/** @type {string} */ type) => body.find((one) => one.type === type);
    const url = of("image")?.url;
    this.text = beyond(this.text, of("text")?.text ?? "");
    if (url !== undefined && webAddress(this.address.trim())?.href === url) this.address = "";
  }
}
