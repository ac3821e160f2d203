/**
 * The list of conversations, the latest first, with what is unread.
 *
 * @typedef {import("./inbox.js").Inbox} Inbox
 * @typedef {import("./inbox.js").Conversation} Conversation
 */

import { gist } from "./inbox.js";
import { element } from "../shared/element.js";
import { t } from "../shared/language.js";

export class ChatList {
  #list;
  #nothing;
  #open;
  /** @type {Map<string, HTMLElement>} */
  #rows = new Map();
  #request = 0;

  /** @param {HTMLElement} list @param {HTMLElement} nothing said where there is none @param {(conv: string) => void} open */
  constructor(list, nothing, open) {
    this.#list = list;
    this.#nothing = nothing;
    this.#open = open;
  }

  clear() {
    cancelAnimationFrame(this.#request);
    this.#request = 0;
    this.#rows.clear();
    this.#list.replaceChildren();
  }

  /** Once per frame, however often it is asked for. @param {Inbox} inbox @param {() => string} present the open one */
  show(inbox, present) {
    if (this.#request !== 0) return;
    this.#request = requestAnimationFrame(() => {
      this.#request = 0;
      this.#draw(inbox, present());
    });
  }

  /** @param {Inbox} inbox @param {string} present */
  #draw(inbox, present) {
    const all = inbox.list;
    const named = new Set(all.map((one) => one.conv));
    for (const [conv, row] of this.#rows) {
      if (named.has(conv)) continue;
      row.remove();
      this.#rows.delete(conv);
    }
    all.forEach((conversation, index) => {
      const row = this.#row(conversation.conv);
      this.#fill(/** @type {HTMLElement} */ (row.firstElementChild), conversation, inbox.me, present);
      // who is in his place stays there, with the focus
      if (this.#list.children[index] !== row) this.#list.insertBefore(row, this.#list.children[index] ?? null);
    });
    this.#nothing.hidden = all.length > 0;
  }

  /** @param {string} conv */
  #row(conv) {
    let row = this.#rows.get(conv);
    if (row === undefined) {
      row = element("li");
      const button = element("button");
      button.setAttribute("type", "button");
      button.addEventListener("click", () => this.#open(conv));
      row.append(button);
      this.#rows.set(conv, row);
    }
    return row;
  }

  /** @param {HTMLElement} button @param {Conversation} conversation @param {string} me @param {string} present */
  #fill(button, { conv, name, unread, mentions, last }, me, present) {
    button.setAttribute("aria-current", String(conv === present));
    const count = element("span", mentions > 0 ? "unread mention" : "unread", unread > 999 ? "999+" : String(unread));
    count.append(element("span", "visually-hidden", mentions > 0 ? t("unread.mentions", { mentions }) : t("unread")));
    const counted = unread > 0 ? [count] : [];
    button.replaceChildren(element("bdi", "name", name), ...counted, element("bdi", "gist", gist(last, me)));
  }
}
