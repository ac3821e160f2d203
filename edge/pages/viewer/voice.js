/** What a screen reader reads aloud: comments, for whoever wants that, and never more than can be listened to. */

const PAUSE_MS = 4000;

export class Voice {
  #box;
  #isOn = false;
  #next = "";
  #timer = 0;

  /** @param {HTMLElement} box a live region */
  constructor(box) {
    this.#box = box;
  }

  /** @param {boolean} isOn */
  configure(isOn) {
    this.#isOn = isOn;
    if (isOn) return;
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#next = this.#box.textContent = "";
  }

  /** The latest that came in a pause is what is read after it. @param {string} text */
  say(text) {
    if (!this.#isOn) return;
    this.#next = text;
    if (this.#timer === 0) this.#read();
  }

  /** What came of something one did is read at once, and to everybody. @param {string} text */
  tell(text) {
    this.#box.textContent = text;
  }

  #read() {
    this.tell(this.#next);
    this.#next = "";
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      if (this.#next !== "") this.#read();
    }, PAUSE_MS);
  }
}
