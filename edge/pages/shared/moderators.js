/** Who was appointed in the room; its streamer appoints and dismisses. */

import { isId } from "../sdk/protocol.js";
import { element } from "./element.js";
import { isAtLeast } from "./identity.js";
import { t } from "./language.js";
import { button, field, input, nothing, when } from "./parts.js";
import { redraw } from "./redraw.js";

/**
 * @typedef {{uid: string, by: string, since: number}} Moderator
 * @typedef {object} Context
 * @property {{read: (path: string) => Promise<any>, appoint: (room: string, uid: string, appointed: boolean) => Promise<any>}} acts
 *   null where it was refused; `read` is below `v1/`
 * @property {() => {name: string, role: string} | null} column the room, and what one is there
 */

export class ModeratorsPanel {
  #context;
  #uid = input();
  #form = element("form", "row wrap adding");
  #list = element("ul", "plain rows");
  #empty = nothing(t("moderators.none"));
  #asked = 0;

  /** @param {HTMLElement} box @param {Context} context */
  constructor(box, context) {
    this.#context = context;
    const add = /** @type {HTMLButtonElement} */ (element("button", "primary", t("moderators.add")));
    add.type = "submit";
    this.#form.append(field("moderator", t("moderators.uid"), this.#uid), add);
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#appoint();
    });
    this.#uid.addEventListener("input", () => this.#uid.removeAttribute("aria-invalid"));
    this.#list.setAttribute("aria-label", t("moderators.label"));
    box.append(element("p", "hint", t("moderators.hint")), this.#form, this.#empty, this.#list);
  }

  get #mayAppoint() {
    const column = this.#context.column();
    return column !== null && isAtLeast(column.role, "streamer");
  }

  async open() {
    const asked = (this.#asked += 1);
    this.#form.hidden = !this.#mayAppoint;
    const room = this.#context.column()?.name;
    const found = room === undefined ? null : await this.#context.acts.read(`admin/rooms/${room}/moderators`);
    if (asked !== this.#asked) return;
    /** @type {Moderator[]} */
    const moderators = found?.moderators ?? [];
    this.#empty.hidden = found === null || moderators.length > 0;
    redraw(this.#list, moderators.map((one) => this.#row(one)));
  }

  /** @param {Moderator} one */
  #row({ uid, by, since }) {
    const row = element("li", "row wrap");
    row.dataset.key = uid;
    row.append(element("bdi", "", uid), element("span", "hint", t("moderators.told", { by, since: when(since) })), element("span", "spring"));
    if (this.#mayAppoint) row.append(button(t("moderators.dismiss"), () => void this.#set(uid, false), "quiet"));
    return row;
  }

  async #appoint() {
    const uid = this.#uid.value.trim();
    if (!isId(uid)) {
      this.#uid.setAttribute("aria-invalid", "true");
      this.#uid.focus();
    } else if (await this.#set(uid, true)) {
      this.#uid.value = "";
    }
  }

  /** @param {string} uid @param {boolean} appointed */
  async #set(uid, appointed) {
    const room = this.#context.column()?.name;
    if (room === undefined || (await this.#context.acts.appoint(room, uid, appointed)) === null) return false;
    await this.open();
    return true;
  }
}
