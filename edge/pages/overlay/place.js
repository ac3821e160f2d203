/** A canvas over an element: follows its size and the screen's pixels, and lets every click through. */

/** Elements that hold no others: the canvas lies beside them, over them. */
const LONELY = new Set(["VIDEO", "IMG", "CANVAS", "IFRAME", "OBJECT", "EMBED", "AUDIO"]);

export class Cover {
  canvas = document.createElement("canvas");
  #element;
  #isBeside;
  #resized;
  #sizes = new ResizeObserver(() => this.follow());
  #ended = new AbortController();

  /**
   * @param {HTMLElement} element
   * @param {(width: number, height: number, ratio: number) => void} resized CSS pixels, and device pixels per CSS pixel
   * @throws {TypeError} where `element` is none, or one that holds no others and lies in no other
   */
  constructor(element, resized) {
    if (!(element instanceof HTMLElement)) throw new TypeError("an overlay lies over an element");
    this.#element = element;
    this.#resized = resized;
    this.#isBeside = LONELY.has(element.tagName);
    const holder = this.#isBeside ? element.parentElement : element;
    if (holder === null) throw new TypeError(`a ${element.tagName.toLowerCase()} has to lie in an element to be overlaid`);
    if (getComputedStyle(holder).position === "static") holder.style.position = "relative";
    Object.assign(this.canvas.style, { position: "absolute", inset: "0", width: "100%", height: "100%", pointerEvents: "none" });
    this.canvas.ariaHidden = "true"; // whoever shows comments has them as text, too
    if (this.#isBeside) element.after(this.canvas);
    else element.append(this.canvas);
    this.#sizes.observe(element);
    if (this.#isBeside) this.#sizes.observe(holder);
    this.#watchRatio();
  }

  /** Where this point of the window is in the picture. @param {{clientX: number, clientY: number}} event */
  point({ clientX, clientY }) {
    const { left, top, width, height } = this.canvas.getBoundingClientRect(); // which may be scaled
    const { clientWidth, clientHeight } = this.canvas;
    return { x: ((clientX - left) * clientWidth) / (width || 1), y: ((clientY - top) * clientHeight) / (height || 1) };
  }

  remove() {
    this.#ended.abort();
    this.#sizes.disconnect();
    this.canvas.remove();
  }

  /** Look how large the element is, and tell. */
  follow() {
    const { clientWidth, clientHeight, offsetLeft, offsetTop, offsetWidth, offsetHeight } = this.#element;
    if (this.#isBeside) {
      Object.assign(this.canvas.style, {
        inset: "auto", left: `${offsetLeft}px`, top: `${offsetTop}px`, width: `${offsetWidth}px`, height: `${offsetHeight}px`,
      });
    }
    const [width, height] = this.#isBeside ? [offsetWidth, offsetHeight] : [clientWidth, clientHeight];
    this.#resized(width, height, devicePixelRatio);
  }

  /** Another screen, or another zoom. */
  #watchRatio() {
    if (this.#ended.signal.aborted) return;
    matchMedia(`(resolution: ${devicePixelRatio}dppx)`).addEventListener("change", () => {
      this.#watchRatio();
      this.follow();
    }, { once: true, signal: this.#ended.signal });
  }
}
