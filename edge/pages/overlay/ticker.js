/** Calls `draw` for each frame, with the seconds since the last; not while the tab is hidden. */

export class Ticker {
  #draw;
  #request = 0;
  #last = 0;
  #isRunning = false;
  #ended = new AbortController();

  /** @param {(seconds: number) => boolean | void} draw false: rest until the next `start` */
  constructor(draw) {
    this.#draw = draw;
    document.addEventListener("visibilitychange", () => this.#follow(), { signal: this.#ended.signal });
  }

  /** Go on, if it does not anyhow. */
  start() {
    if (this.#isRunning || this.#ended.signal.aborted) return;
    this.#isRunning = true;
    this.#follow();
  }

  /** Rest. */
  stop() {
    this.#isRunning = false;
    cancelAnimationFrame(this.#request);
  }

  /** Rest for ever. */
  end() {
    this.stop();
    this.#ended.abort();
  }

  #follow() {
    cancelAnimationFrame(this.#request);
    if (document.hidden || !this.#isRunning) return;
    this.#last = performance.now();
    this.#next();
  }

  #next() {
    this.#request = requestAnimationFrame((now) => {
      const seconds = Math.max(0, (now - this.#last) / 1000);
      this.#last = now;
      if (this.#draw(seconds) === false) this.stop();
      else if (this.#isRunning) this.#next();
    });
  }
}
