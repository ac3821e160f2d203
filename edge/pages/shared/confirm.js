/** The question before what cannot be undone; only a clear yes is one. */

import { makeClosable, part } from "./dialog.js";

/** @param {string} text @param {string} yes what the button says @returns {Promise<boolean>} */
export function confirmed(text, yes) {
  const dialog = /** @type {HTMLDialogElement} */ (part("confirm-dialog"));
  part("confirm-text").textContent = text;
  part("confirm-yes").textContent = yes;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

/** Once per page. */
export function prepareConfirm() {
  makeClosable(/** @type {HTMLDialogElement} */ (part("confirm-dialog")));
}
