/**
 * The dialog about a group: who belongs to it, and what its staff does with them and with the group.
 *
 * @typedef {import("../sdk/groups.js").Groups} Groups
 * @typedef {import("../sdk/groups.js").Group} Group
 * @typedef {import("../sdk/groups.js").Member} Member
 */

import { isAbove, isStaff } from "../sdk/groups.js";
import { isId } from "../sdk/protocol.js";
import { confirmed } from "../shared/confirm.js";
import { makeClosable, part } from "../shared/dialog.js";
import { element } from "../shared/element.js";
import { t, timeOf } from "../shared/language.js";
import { attempt, complaint } from "./dialogs.js";

const HOUR_S = 3600;

export class MembersDialog {
  #dialog = /** @type {HTMLDialogElement} */ (part("members-dialog"));
  #list = part("members");
  #invited = /** @type {HTMLInputElement} */ (part("invite"));
  #name = /** @type {HTMLInputElement} */ (part("group-name"));
  #muteAll = /** @type {HTMLInputElement} */ (part("mute-all"));
  #outcome = part("members-outcome");
  #groups;
  #mention;
  #changed;
  #left;
  #gid = "";
  #me = "";
  /** With whom something may be done now; nobody: "". It outlasts that the list is drawn anew. */
  #opened = "";
  /** What is drawn, once it is known. @type {Group | null} */
  #group = null;

  /**
   * @param {Groups} groups @param {(uid: string) => void} mention
   * @param {(group: Group) => void} changed the open group is known, or another than before
   * @param {(conv: string) => void} left the user is no member any more
   */
  constructor(groups, mention, changed, left) {
    this.#groups = groups;
    this.#mention = mention;
    this.#changed = changed;
    this.#left = left;
    makeClosable(this.#dialog);
    part("members-button").addEventListener("click", () => this.#open());
    part("leave").addEventListener("click", () => this.#try(() => this.#leave()));
    part("dissolve").addEventListener("click", () => this.#try(() => this.#dissolve()));
    this.#muteAll.addEventListener("change", () => this.#try(() => this.#muteOrNot()));
    this.#onSubmit("members-form", () => this.#invite());
    this.#onSubmit("staff", () => this.#rename());
  }

  /** Another group is looked at, or this one may have changed; none: "". @param {string} gid @param {string} me */
  look(gid, me) {
    if (gid !== this.#gid) {
      this.#dialog.close();
      this.#group = null;
    }
    this.#gid = gid;
    this.#me = me;
    if (gid !== "") this.#try(() => this.#fetch());
  }

  #open() {
    this.#invited.value = this.#name.value = this.#opened = "";
    if (this.#group !== null) this.#show(this.#group); // whose acts stood open before
    this.#dialog.showModal();
    this.#try(() => this.#fetch());
  }

  /** @param {string} id @param {() => Promise<void>} act */
  #onSubmit(id, act) {
    part(id).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#try(act);
    });
  }

  /** @param {() => Promise<void>} act */
  #try(act) {
    void attempt(this.#outcome, act);
  }

  /** @throws {Refusal} */
  async #fetch() {
    await this.#change((gid) => this.#groups.read(gid));
  }

  /** The group as it is after that. @param {(gid: string) => Promise<Group>} act @throws {Refusal} */
  async #change(act) {
    const gid = this.#gid;
    const group = await act(gid);
    if (gid === this.#gid) this.#show(group);
  }

  /** Whoever had the focus in the list has it still. @param {Group} group */
  #show(group) {
    const { members, name, muted, dissolved } = (this.#group = group);
    const at = /** @type {HTMLElement | null} */ (document.activeElement?.closest("#members li"))?.dataset.uid;
    const label = document.activeElement?.getAttribute("aria-label") ?? "";
    const mine = members.find((member) => member.uid === this.#me)?.role ?? "";
    this.#list.replaceChildren(...members.map((member) => this.#row(member, mine)));
    part("members-over").hidden = !dissolved;
    part("inviting").hidden = dissolved;
    part("staff").hidden = dissolved || !isStaff(mine);
    part("dissolve").hidden = dissolved || mine !== "owner";
    part("leave").hidden = !dissolved && mine === "owner" && members.length > 1; // whose it is hands it over first
    this.#muteAll.checked = muted;
    if (document.activeElement !== this.#name) this.#name.value = name;
    if (at !== undefined) this.#focus(at, label);
    this.#changed(group);
  }

  /** @param {string} uid @param {string} label of what had the focus there */
  #focus(uid, label) {
    for (const row of this.#list.children) {
      if (row instanceof HTMLElement && row.dataset.uid === uid) {
        const same = [...row.querySelectorAll("button")].find((button) => button.ariaLabel === label);
        /** @type {HTMLElement | null} */ (same ?? row.querySelector(".opener") ?? row.querySelector("button"))?.focus();
        return;
      }
    }
    this.#invited.focus(); // he is gone
  }

  /** @param {Member} member @param {string} mine one's own role */
  #row({ uid, role, muted_until_ms: mutedUntil = 0 }, mine) {
    const row = element("li");
    row.dataset.uid = uid;
    const isMuted = mutedUntil < 0 || mutedUntil > Date.now();
    const key = mutedUntil > 0 ? "member.muted.until" : "member.muted";
    const muted = () => t(key, { role: t(`group.${role}`), at: timeOf(mutedUntil, { hour: "2-digit", minute: "2-digit" }) });
    row.append(element("bdi", "", uid), element("span", "role", isMuted ? muted() : t(`group.${role}`)));
    if (uid === this.#me || this.#group?.dissolved) return row;
    row.append(button(t("mention"), t("mention.who", { uid }), () => {
      this.#dialog.close();
      this.#mention(uid);
    }));
    const acts = this.#acts(uid, role, mine, isMuted);
    if (acts.length === 0) return row;
    const menu = element("div", "acts");
    menu.append(...acts);
    const opener = button("⋯", t("acts", { uid }), () => {
      this.#opened = menu.hidden ? uid : "";
      show();
    });
    opener.classList.add("opener");
    const show = () => {
      menu.hidden = this.#opened !== uid;
      opener.ariaExpanded = String(!menu.hidden);
    };
    show();
    row.append(opener, menu);
    return row;
  }

  /** What one's role allows. @param {string} uid @param {string} role @param {string} mine @param {boolean} isMuted */
  #acts(uid, role, mine, isMuted) {
    const groups = this.#groups;
    /** @type {HTMLElement[]} */
    const acts = [];
    /** @param {string} text @param {(gid: string) => Promise<Group>} act @param {string} [question] */
    const add = (text, act, question) => acts.push(button(text, `${text}: ${uid}`, () => this.#try(async () => {
      if (question !== undefined && !(await confirmed(question, text))) return;
      this.#opened = "";
      await this.#change(act);
    })));
    if (isStaff(mine) && isAbove(mine, role)) {
      if (isMuted) add(t("act.unmute"), (gid) => groups.unmute(gid, uid));
      else {
        add(t("act.mute.hour"), (gid) => groups.mute(gid, uid, HOUR_S));
        add(t("act.mute"), (gid) => groups.mute(gid, uid, null));
      }
      add(t("act.remove"), (gid) => groups.remove(gid, uid), t("act.remove.sure", { uid }));
    }
    if (mine === "owner") {
      if (role === "member") add(t("act.admin"), (gid) => groups.appoint(gid, uid, "admin"));
      else add(t("act.member"), (gid) => groups.appoint(gid, uid, "member"));
      const question = t("act.hand_over.sure", { uid });
      add(t("act.hand_over"), (gid) => groups.appoint(gid, uid, "owner"), question);
    }
    return acts;
  }

  /** @throws {Refusal} */
  async #invite() {
    const uid = this.#invited.value.trim();
    if (!isId(uid)) throw complaint("bad.uids");
    await this.#change((gid) => this.#groups.invite(gid, uid));
    this.#invited.value = "";
  }

  /** @throws {Refusal} */
  async #rename() {
    const name = this.#name.value.trim();
    if (name === "") throw complaint("bad.nameless");
    await this.#change((gid) => this.#groups.rename(gid, name));
  }

  /** What is shown is what holds, also where that is refused. @throws {Refusal} */
  async #muteOrNot() {
    const muted = this.#muteAll.checked;
    try {
      await this.#change((gid) => this.#groups.muteAll(gid, muted));
    } catch (error) {
      this.#muteAll.checked = !muted;
      throw error;
    }
  }

  /** @throws {Refusal} */
  async #dissolve() {
    if (!(await confirmed(t("dissolve.sure"), t("dissolve")))) return;
    await this.#change((gid) => this.#groups.dissolve(gid));
    part("leave").focus(); // that is what is left to do
  }

  /** @throws {Refusal} */
  async #leave() {
    const gid = this.#gid;
    await this.#groups.remove(gid, this.#me);
    if (gid === this.#gid) this.#dialog.close();
    this.#left(`g:${gid}`);
  }
}

/** @param {string} text @param {string} label @param {() => void} act */
function button(text, label, act) {
  const made = element("button", "link", text);
  made.setAttribute("type", "button");
  made.setAttribute("aria-label", label);
  made.addEventListener("click", act);
  return made;
}
