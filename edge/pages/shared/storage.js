/** What the browser remembers, as text by key. Where it is not allowed to, everything works and is forgotten. */

/** Until it is wiped, for all tabs. */
export const ever = () => localStorage;
/** Until this tab is closed. */
export const thisTab = () => sessionStorage;

/** @param {() => Storage} storage @param {string} key @returns {string | null} */
export function read(storage, key) {
  try {
    return storage().getItem(key);
  } catch {
    return null;
  }
}

/** @param {() => Storage} storage @param {string} key @param {string} value empty: forget it */
export function write(storage, key, value) {
  try {
    if (value) storage().setItem(key, value);
    else storage().removeItem(key);
  } catch {
    // it is forgotten then
  }
}

/** A map that was kept as JSON, or an empty one. @param {string} key @returns {Record<string, unknown>} */
export function readMap(key) {
  try {
    const map = JSON.parse(read(ever, key) ?? "{}");
    return typeof map === "object" && map !== null && !Array.isArray(map) ? map : {};
  } catch {
    return {};
  }
}
