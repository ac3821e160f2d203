/**
 * The other way to draw a stage: each comment an element that the browser moves by itself. Measured against the canvas.
 *
 * @typedef {import("../../../edge/pages/overlay/stage.js").Shown} Shown
 * @typedef {import("../../../edge/pages/overlay/stage.js").Stage} Stage
 */

export class Elements {
  #box;
  /** @type {Map<Shown, HTMLElement>} */
  #made = new Map();

  /** @param {HTMLElement} box */
  constructor(box) {
    this.#box = box;
  }

  /** Put in who entered, take out who left: what moves is not touched. @param {Stage} stage */
  draw(stage) {
    for (const one of stage.shown) if (!this.#made.has(one)) this.#put(stage, one);
    if (this.#made.size === stage.shown.length) return;
    const shown = new Set(stage.shown);
    for (const [one, element] of this.#made) {
      if (shown.has(one)) continue;
      element.remove();
      this.#made.delete(one);
    }
  }

  /** @param {Stage} stage @param {Shown} one */
  #put(stage, one) {
    const { entry, width, height, flight, place } = one;
    const element = document.createElement("span");
    element.textContent = entry.text;
    const size = Math.round((stage.base * entry.size) / 25);
    Object.assign(element.style, {
      position: "absolute", left: "0", top: `${Math.round(place.y)}px`, width: `${width}px`, height: `${height}px`,
      font: `600 ${size}px/${height}px system-ui, sans-serif`, whiteSpace: "pre", textAlign: "center", willChange: "transform",
      color: `#${entry.color.toString(16).padStart(6, "0")}`, textShadow: "0 0 3px #000, 0 0 3px #000, 1px 1px 1px #000",
    });
    this.#box.append(element);
    this.#made.set(one, element);
    const left = stage.leftOf(one);
    const path = flight === null ? [left, left] : [left, -width];
    element.animate(
      path.map((x) => ({ transform: `translate3d(${x}px, 0, 0)` })),
      { duration: (one.until - one.since) * 1000, easing: "linear", fill: "both" },
    );
  }
}
