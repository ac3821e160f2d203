/** Viewers and comments over time, each by its own measure; what it shows is also said in words. */

import { element } from "../shared/element.js";
import { t } from "../shared/language.js";
import { when } from "../shared/parts.js";
import { short } from "../shared/wording.js";
import { line } from "./pulse.js";

/** @typedef {import("./pulse.js").Sample} Sample */

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 600;
const HEIGHT = 100;

export class Chart {
  #svg = document.createElementNS(SVG, "svg");
  #viewers = document.createElementNS(SVG, "polyline");
  #rate = document.createElementNS(SVG, "polyline");
  #ofViewers = element("span");
  #ofRate = element("span");
  #since = element("span");

  /** @param {HTMLElement} box */
  constructor(box) {
    this.#svg.setAttribute("viewBox", `0 -2 ${WIDTH} ${HEIGHT + 4}`);
    this.#svg.setAttribute("preserveAspectRatio", "none");
    this.#svg.setAttribute("role", "img");
    this.#viewers.setAttribute("class", "viewers");
    this.#rate.setAttribute("class", "rate");
    this.#svg.append(this.#viewers, this.#rate);
    const legend = element("div", "legend");
    legend.append(keyed("key", this.#ofViewers), keyed("key rate", this.#ofRate), this.#since);
    box.replaceChildren(this.#svg, legend);
    this.show([]);
  }

  /** @param {Sample[]} samples */
  show(samples) {
    const times = samples.map((one) => one.at);
    const viewers = samples.map((one) => one.viewers);
    const rates = samples.map((one) => one.rate);
    this.#viewers.setAttribute("points", line(times, viewers, WIDTH, HEIGHT));
    this.#rate.setAttribute("points", line(times, rates, WIDTH, HEIGHT));
    this.#ofViewers.textContent = t("chart.viewers", { most: short(Math.max(0, ...viewers)) });
    this.#ofRate.textContent = t("chart.rate", { most: short(Math.max(0, ...rates)) });
    this.#since.textContent = samples.length === 0 ? t("chart.empty") : t("chart.since", { at: when(samples[0].at) });
    const last = samples.at(-1);
    const said = last === undefined ? t("chart.empty") : t("chart.said", { viewers: last.viewers, rate: last.rate });
    this.#svg.setAttribute("aria-label", said);
  }
}

/** @param {string} className @param {HTMLElement} text */
function keyed(className, text) {
  const box = element("span");
  const key = element("span", className);
  key.ariaHidden = "true";
  box.append(key, text);
  return box;
}
