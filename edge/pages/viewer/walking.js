/** The list of comments by keyboard: arrows walk its rows, Enter picks one. Loaded when somebody comes there. */

import { focusedRow, walkWithArrows } from "../shared/roving.js";

/** @param {HTMLElement} list @param {(row: Element) => void} pick */
export function walk(list, pick) {
  list.addEventListener("keydown", (event) => {
    for (const row of list.children) /** @type {HTMLElement} */ (row).tabIndex = -1; // those that have come since, too
    const row = focusedRow(list);
    if (event.key !== "Enter" || row === null) return;
    event.preventDefault(); // it would press what has the focus next
    pick(row);
    const back = () => row.isConnected || focusedRow(list) || list.focus(); // the row went meanwhile
    document.querySelector("dialog[open]")?.addEventListener("close", back, { once: true });
  });
  walkWithArrows(list);
}
