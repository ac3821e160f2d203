/** Who said something, and the way to see nothing more of him: for whoever picks a comment, in the list or in the picture. */

import { makeClosable, part } from "../shared/dialog.js";
import { t } from "../shared/language.js";

export class PersonDialog {
  #dialog = /** @type {HTMLDialogElement} */ (part("person-dialog"));
  #block = part("person-block");
  /** @type {{uid: string, name: string} | null} */
  #person = null;

  /** @param {(uid: string, name: string) => void} block @param {() => void} closed */
  constructor(block, closed) {
    makeClosable(this.#dialog);
    this.#dialog.addEventListener("close", closed);
    this.#block.addEventListener("click", () => {
      if (this.#person !== null) block(this.#person.uid, this.#person.name);
      this.#dialog.close();
    });
  }

  /** @param {{uid: string, name: string, text: string}} said @param {boolean} isOwn */
  open({ uid, name, text }, isOwn) {
    this.#person = { uid, name };
    part("person-name").textContent = name || uid;
    part("person-text").textContent = text;
    part("person-uid").textContent = uid;
    this.#block.textContent = t("block.user", { name: name || uid });
    this.#block.hidden = isOwn;
    if (!this.#dialog.open) this.#dialog.showModal();
  }
}
