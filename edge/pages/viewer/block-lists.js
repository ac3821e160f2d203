/**
 * What one does not want to see, as lists in the dialog of settings: more is added there, and taken away. Loaded as that is first opened.
 *
 * @typedef {import("./blocks.js").Blocks} Blocks
 */

import { isId } from "../sdk/protocol.js";
import { part } from "../shared/dialog.js";
import { element } from "../shared/element.js";
import { t } from "../shared/language.js";

export class BlockLists {
  #blocks;
  #speakers;
  #blocked;

  /** @param {Blocks} blocks @param {Map<string, string>} speakers who spoke last, by uid @param {() => void} blocked somebody or something else is blocked now */
  constructor(blocks, speakers, blocked) {
    this.#blocks = blocks;
    this.#speakers = speakers;
    this.#blocked = blocked;
    this.#onAdd("block-user", (uid) => blocks.blockUser(uid, speakers.get(uid) ?? ""), isId);
    this.#onAdd("block-word", (word) => blocks.blockWord(word));
  }

  show() {
    part("speakers").replaceChildren(...[...this.#speakers].reverse().map(([uid, name]) => new Option(name || uid, uid)));
    part("blocks-outcome").textContent = "";
    this.#draw();
  }

  /**
   * @param {string} id of the form @param {(value: string) => boolean} add whether there was room for it
   * @param {(value: string) => boolean} [isGood] whether there can be such a thing
   */
  #onAdd(id, add, isGood = () => true) {
    const field = /** @type {HTMLInputElement} */ (part(`${id}-field`));
    part(id).addEventListener("submit", (event) => {
      event.preventDefault();
      const value = field.value.trim();
      if (value === "") return;
      const isDone = isGood(value) && add(value);
      part("blocks-outcome").textContent = isDone ? "" : t(isGood(value) ? "block.full" : "rooms.bad");
      if (!isDone) return;
      field.value = "";
      this.#draw();
      this.#blocked();
    });
  }

  #draw() {
    const users = this.#blocks.users.map(({ uid, name }) => chip(name || uid, () => this.#blocks.unblockUser(uid), () => this.#draw()));
    const words = this.#blocks.words.map((word) => chip(word, () => this.#blocks.unblockWord(word), () => this.#draw()));
    part("blocked-users").replaceChildren(...(users.length > 0 ? users : [element("li", "hint", t("block.nobody"))]));
    part("blocked-words").replaceChildren(...(words.length > 0 ? words : [element("li", "hint", t("block.nothing"))]));
  }
}

/** @param {string} what @param {() => void} unblock @param {() => void} draw */
function chip(what, unblock, draw) {
  const row = element("li");
  const button = /** @type {HTMLButtonElement} */ (element("button", "chip"));
  button.type = "button";
  button.ariaLabel = t("block.gone", { what });
  button.append(element("bdi", "ellipsis", what), element("span", "", "✕"));
  button.addEventListener("click", () => {
    const list = row.parentElement;
    unblock();
    draw();
    /** @type {HTMLElement | null | undefined} */ (list?.querySelector("button") ?? list?.closest("section")?.querySelector("input"))?.focus();
  });
  row.append(button);
  return row;
}
