import { Returning } from "/shared/returning.js";
import { same } from "./assert.js";

/** What `setTimeout` is asked for meanwhile. @param {() => void} work */
function waits(work) {
  const asked = /** @type {number[]} */ ([]);
  const real = globalThis.setTimeout;
  globalThis.setTimeout = /** @type {any} */ ((/** @type {() => void} */ _, /** @type {number} */ ms) => asked.push(ms));
  try {
    work();
  } finally {
    globalThis.setTimeout = real;
  }
  return asked;
}

export function it_knocks_less_and_less_often_and_never_all_at_one_time() {
  const soon = new Returning(() => {}, () => 0);
  const late = new Returning(() => {}, () => 1);
  const six = (/** @type {Returning} */ one) => waits(() => Array.from({ length: 6 }, () => one.later()));
  same(six(soon), [2500, 5000, 10000, 20000, 30000, 30000]);
  same(six(late), [7500, 15000, 30000, 60000, 90000, 90000]);
  soon.stop();
  same(waits(() => soon.later()), [2500]);
}
