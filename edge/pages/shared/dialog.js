/** What every page does with its elements and dialogs. */

/** @template {HTMLElement} T @param {string} id @returns {T} */
export function part(id) {
  return /** @type {T} */ (document.getElementById(id));
}

/** A click beside the dialog closes it too. @param {HTMLDialogElement} dialog */
export function makeClosable(dialog) {
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.querySelector(".close")?.addEventListener("click", () => dialog.close());
}
