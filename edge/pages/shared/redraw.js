/** Lists that are drawn anew, under the fingers of somebody who goes by the keyboard. */

import { focusedRow } from "./roving.js";

const CONTROLS = "button, a[href], input, select, textarea";

/**
 * Other rows in place of those of a list. The focus stays at the same control of the same row (by its `data-key`), else of the one that
 * came into its place, else at the list itself.
 * @param {HTMLElement} list @param {HTMLElement[]} rows
 */
export function redraw(list, rows) {
  const had = focusedRow(list);
  const at = had === null ? 0 : [...list.children].indexOf(had);
  const control = had === null ? -1 : controls(had).indexOf(/** @type {HTMLElement} */ (document.activeElement));
  list.replaceChildren(...rows);
  if (had === null) return;
  const same = had.dataset.key === undefined ? undefined : rows.find((row) => row.dataset.key === had.dataset.key);
  const row = same ?? rows[Math.min(at, rows.length - 1)];
  const offered = row === undefined ? [] : controls(row);
  list.tabIndex = -1;
  (offered[control] ?? offered[0] ?? list).focus();
}

/** @param {HTMLElement} row @returns {HTMLElement[]} */
function controls(row) {
  return [...row.querySelectorAll(CONTROLS)].filter((one) => one.checkVisibility()).map((one) => /** @type {HTMLElement} */ (one));
}
