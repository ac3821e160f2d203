/** What the module tests say about what they found. */

/** @param {unknown} found @param {unknown} wanted @param {string} [about] */
export function same(found, wanted, about = "") {
  const [left, right] = [found, wanted].map((value) => JSON.stringify(sorted(value)));
  if (left !== right) throw new Error(`${about} found ${left}, wanted ${right}`);
}

/** @param {unknown} claim @param {string} about */
export function holds(claim, about) {
  if (!claim) throw new Error(about);
}

/** @param {() => unknown} act @param {string} about */
export function throws(act, about) {
  try {
    act();
  } catch {
    return;
  }
  throw new Error(`${about}: nothing was thrown`);
}

/** A generator with a seed, so that what fails once fails again. @param {number} seed */
export function dice(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Keys in one order. @param {any} value @returns {any} */
function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
}
