/** Calls `draw` for each frame, with the seconds since the last; not while the tab is hidden. */
export class Ticker {
  #draw;
  #request = 0;
  #last = 0;

  /** @param {(seconds: number) => void} draw */
  constructor(draw) {
    this.#draw = draw;
  }

  start() {
    document.addEventListener("visibilitychange", () => this.#follow());
    this.#follow();
  }

  #follow() {
    cancelAnimationFrame(this.#request);
    if (document.hidden) return;
    this.#last = performance.now();
    this.#next();
  }

  #next() {
    this.#request = requestAnimationFrame((now) => {
      const seconds = Math.max(0, (now - this.#last) / 1000);
      this.#last = now;
      this.#draw(seconds);
      this.#next();
    });
  }
}
