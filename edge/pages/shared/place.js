/**
 * What is written and said in one place, as a room: what is sent leaves the box at once, one after the other, and comes back
 * where it was not taken. Pure.
 */

import { rejoined } from "./submit.js";

/** @template {{text: string}} Said */
export class Place {
  /** What stands in the box, also when one looks at the place again. */
  text = "";
  /** What has left the box and may not have come yet. @type {Said | null} */
  said = null;
  /** Whether that is under way; else nobody answered it, and Send repeats it. */
  isBusy = false;
  /** Whether what is in the box is to follow it. */
  isNext = false;

  /** It need not be said again. @returns {boolean} whether what is in the box is to follow */
  come() {
    const { isNext } = this;
    this.said = null;
    this.isBusy = this.isNext = false;
    return isNext;
  }

  /** It was not taken. @param {Said} said @param {boolean} isOpen nobody knows what came of it */
  refused(said, isOpen) {
    this.isBusy = this.isNext = false;
    if (isOpen && !["", said.text].includes(this.text.trim())) return; // joined it would be said twice
    this.said = null;
    this.text = rejoined(said.text, this.text);
  }
}
