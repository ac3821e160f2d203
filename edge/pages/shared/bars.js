/** The answers of a poll, each with its share of the votes as a bar; the pages say by `--share` how a bar looks. */

import { element } from "./element.js";
import { shares } from "./wording.js";

/**
 * @param {string[]} options @param {() => HTMLElement} make a bar, still empty
 * @param {(share: number, n: number) => string} say a share in whole percents, and the votes
 * @returns {{bars: HTMLElement[], tell: (counts: number[]) => number}} in order; `tell`: how they stand, returns all votes
 */
export function barsOf(options, make, say = (share) => `${share} %`) {
  const made = options.map((text) => {
    const bar = make();
    const said = element("span", "share");
    bar.append(element("bdi", "", text), said);
    return { bar, said };
  });
  const tell = (/** @type {number[]} */ counts) => {
    const parts = shares(counts);
    for (const [place, { bar, said }] of made.entries()) {
      bar.style.setProperty("--share", `${parts[place] ?? 0}%`);
      said.textContent = say(parts[place] ?? 0, counts[place] ?? 0);
    }
    return counts.reduce((sum, count) => sum + count, 0);
  };
  return { bars: made.map(({ bar }) => bar), tell };
}
