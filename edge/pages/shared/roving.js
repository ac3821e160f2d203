/** A list that is one stop of the Tab key, and whose rows are walked with arrows. */

const STEPS = /** @type {Record<string, (at: number, last: number) => number>} */ ({
  ArrowDown: (at, last) => Math.min(at + 1, last),
  ArrowUp: (at, last) => (at < 0 ? last : Math.max(at - 1, 0)),
  Home: () => 0,
  End: (_at, last) => last,
  PageDown: (at, last) => Math.min(at + 10, last),
  PageUp: (at, last) => Math.max((at < 0 ? last : at) - 10, 0),
});

/** The row in which the focus is. @param {HTMLElement} list @returns {HTMLElement | null} */
export function focusedRow(list) {
  const row = [...list.children].find((one) => one.contains(document.activeElement));
  return /** @type {HTMLElement | null} */ (row ?? null);
}

/** @param {HTMLElement} list its children take the focus by script */
export function walkWithArrows(list) {
  list.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    const isElsewhere = event.target instanceof Element && event.target.closest("input, select, textarea") !== null;
    if (step === undefined || isElsewhere || event.ctrlKey || event.altKey || event.metaKey || list.children.length === 0) return;
    event.preventDefault();
    const row = focusedRow(list);
    const at = row === null ? -1 : [...list.children].indexOf(row);
    focusRow(/** @type {HTMLElement} */ (list.children[step(at, list.children.length - 1)]));
  });
}

/** @param {HTMLElement} row */
export function focusRow(row) {
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}
