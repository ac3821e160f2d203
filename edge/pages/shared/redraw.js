/** Rows that are drawn anew, without taking the focus from who is in the middle of them. */

const CONTROLS = "button, input, select, textarea, a[href], summary, [tabindex]";

/**
 * Put `rows` in the place of what is in `box`. A focus in there goes to the control that now stands where its own
 * did, to the last one where there are fewer, and to the box where there is none.
 * @param {HTMLElement} box @param {(Node | string)[]} rows
 */
export function redraw(box, rows) {
  const had = document.activeElement;
  const place = had !== null && had !== box && box.contains(had) ? controls(box).indexOf(/** @type {HTMLElement} */ (had)) : -1;
  box.replaceChildren(...rows);
  if (place < 0) return;
  const now = controls(box);
  if (now.length === 0) box.tabIndex = -1;
  (now[Math.min(place, now.length - 1)] ?? box).focus({ preventScroll: true });
}

/** @param {HTMLElement} box @returns {HTMLElement[]} */
function controls(box) {
  return [.../** @type {NodeListOf<HTMLElement>} */ (box.querySelectorAll(CONTROLS))].filter((one) => !one.matches(":disabled"));
}
