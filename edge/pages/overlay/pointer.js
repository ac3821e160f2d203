/**
 * Pointing at comments: a mouse over one stops it while it stays there, a click or a tap until the next one elsewhere.
 *
 * @typedef {import("./stage.js").Shown} Shown
 */

const FINGER = 10; // pixels around a comment that count for a finger

export class Pointer {
  #element;
  #find;
  #pick;
  #stays = false;
  #ended = new AbortController();

  /**
   * @param {HTMLElement} element
   * @param {(event: PointerEvent, slack: number) => Shown | null} find
   * @param {(shown: Shown | null, stays: boolean) => void} pick
   */
  constructor(element, find, pick) {
    this.#element = element;
    this.#find = find;
    this.#pick = pick;
    const { signal } = this.#ended;
    element.addEventListener("pointermove", (event) => this.#move(event), { signal });
    element.addEventListener("pointerleave", () => this.#leave(), { signal });
    element.addEventListener("click", (event) => this.#click(/** @type {PointerEvent} */ (event)), { signal });
  }

  /** The one that was picked is let go, or is gone. */
  released() {
    this.#stays = false;
  }

  end() {
    this.#element.style.cursor = "";
    this.#ended.abort();
  }

  /** @param {PointerEvent} event */
  #move(event) {
    if (event.pointerType !== "mouse") return;
    const shown = this.#find(event, 0);
    this.#element.style.cursor = shown === null ? "" : "pointer";
    if (!this.#stays) this.#pick(shown, false);
  }

  #leave() {
    this.#element.style.cursor = "";
    if (!this.#stays) this.#pick(null, false);
  }

  /** @param {PointerEvent} event */
  #click(event) {
    const shown = this.#find(event, event.pointerType === "mouse" ? 0 : FINGER);
    if (shown !== null) event.preventDefault(); // a video does not stop for it
    this.#stays = shown !== null;
    this.#pick(shown, this.#stays);
  }
}
