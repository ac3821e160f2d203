/**
 * What an overlay may be told, the bounds of each number, and what holds where nothing is said. Pure.
 *
 * @typedef {"scroll" | "top" | "bottom"} Mode
 * @typedef {object} Options
 * @property {boolean} isOn whether anything is shown
 * @property {readonly Mode[]} modes which are shown
 * @property {number} area share of the height that is used, from the top
 * @property {number} opacity of everything, 0 to 1
 * @property {number} fontSize pixels of a comment of normal size; 0: what suits the width
 * @property {number} scale times that size
 * @property {string} fontFamily as CSS has it
 * @property {boolean} hasOutline whether letters have an edge that keeps them readable on any picture
 * @property {number} seconds a comment takes to cross the picture; all take the same, so a long one is faster
 * @property {number} standSeconds a comment stands at the top or the bottom
 * @property {number} patience seconds that a comment waits for a free place before it is left out
 * @property {number} most comments in the picture at once; own ones and staff's may be ten more
 * @property {number} mostWaiting comments that wait for a place
 * @property {boolean | null} isStill nothing flies, comments fade in and out in their place; null: as the system asks for
 * @property {boolean} isPickable whether pointing at a comment stops it
 * @property {number} mostRatio device pixels per CSS pixel that are drawn at most
 */

/** @type {readonly Mode[]} */
export const MODES = Object.freeze(["scroll", "top", "bottom"]);

const FONT =
  'system-ui, -apple-system, "Segoe UI", Roboto, "PingFang SC", "Hiragino Sans", "Microsoft YaHei", ' +
  '"Noto Sans CJK SC", "Noto Sans SC", "WenQuanYi Micro Hei", "Apple SD Gothic Neo", "Malgun Gothic", sans-serif';

/** @type {Readonly<Options>} */
export const DEFAULTS = Object.freeze({
  isOn: true,
  modes: MODES,
  area: 1,
  opacity: 1,
  fontSize: 0,
  scale: 1,
  fontFamily: FONT,
  hasOutline: true,
  seconds: 9,
  standSeconds: 4.5,
  patience: 2.5,
  most: 240,
  mostWaiting: 80,
  isStill: null,
  isPickable: false,
  mostRatio: 2,
});

/** The least and the most of each number. @type {Record<string, [number, number]>} */
export const BOUNDS = Object.freeze({
  area: [0.05, 1],
  opacity: [0, 1],
  fontSize: [0, 200],
  scale: [0.25, 4],
  seconds: [1, 60],
  standSeconds: [1, 60],
  patience: [0, 60],
  most: [1, 1000],
  mostWaiting: [1, 1000],
  mostRatio: [1, 4],
});

/**
 * `options` with what is `given`: numbers are brought within their bounds.
 * @param {Readonly<Options>} options @param {Partial<Options>} given
 * @returns {Readonly<Options>}
 * @throws {TypeError} where there is no option of that name, or it takes no such value
 */
export function settled(options, given) {
  const changed = Object.entries(given).map(([name, value]) => [name, read(name, value)]);
  return Object.freeze({ ...options, ...Object.fromEntries(changed) });
}

/** @param {string} name @param {unknown} value */
function read(name, value) {
  if (!Object.hasOwn(DEFAULTS, name)) throw new TypeError(`an overlay has no option "${name}"`);
  const usual = /** @type {Record<string, unknown>} */ (DEFAULTS)[name];
  if (name === "modes") return readModes(value);
  const isGood = name === "isStill" ? value === null || typeof value === "boolean" : typeof value === typeof usual;
  if (!isGood || Number.isNaN(value)) throw new TypeError(`the option "${name}" of an overlay cannot be ${String(value)}`);
  if (typeof value !== "number") return value;
  const [least, most] = BOUNDS[name];
  return Math.min(most, Math.max(least, value));
}

/** @param {unknown} value @returns {readonly Mode[]} */
function readModes(value) {
  const isGood = Array.isArray(value) && value.every((mode) => MODES.includes(mode));
  if (!isGood) throw new TypeError(`the option "modes" of an overlay holds some of ${MODES.join(", ")}`);
  return Object.freeze(MODES.filter((mode) => value.includes(mode)));
}
