/**
 * The dialogs of the chat page: a new conversation, the members of a group.
 *
 * @typedef {import("./groups.js").Groups} Groups
 * @typedef {import("./groups.js").Member} Member
 */

import { sentence } from "./composer.js";
import { makeClosable, part } from "./dialogs.js";
import { element } from "./message-row.js";
import { Refusal, isId } from "./protocol.js";

const BAD_UIDS = "user ids are letters, digits, - and _, at most 64; several are separated by commas";

/** Do it, and say in words what is refused. @param {HTMLElement} outcome @param {() => Promise<void>} act */
async function attempt(outcome, act) {
  outcome.textContent = "";
  try {
    await act();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    outcome.textContent = sentence(error.message);
  }
}

export class NewDialog {
  #dialog = /** @type {HTMLDialogElement} */ (part("new-dialog"));
  #uids = /** @type {HTMLInputElement} */ (part("new-uids"));
  #name = /** @type {HTMLInputElement} */ (part("new-name"));
  #outcome = part("new-outcome");
  #groups;
  #me;
  #privately;
  #openGroup;

  /**
   * @param {Groups} groups @param {() => string} me the user's own id @param {(uid: string) => void} privately
   * @param {(conv: string) => void} openGroup
   */
  constructor(groups, me, privately, openGroup) {
    this.#groups = groups;
    this.#me = me;
    this.#privately = privately;
    this.#openGroup = openGroup;
    makeClosable(this.#dialog);
    part("new-button").addEventListener("click", () => this.#open());
    part("new-form").addEventListener("submit", (event) => {
      event.preventDefault();
      void attempt(this.#outcome, () => this.#begin());
    });
  }

  #open() {
    this.#uids.value = this.#name.value = this.#outcome.textContent = "";
    this.#dialog.showModal();
    this.#uids.focus();
  }

  /** @throws {Refusal} */
  async #begin() {
    const uids = this.#uids.value.split(/[\s,]+/).filter((uid) => uid !== "");
    const name = this.#name.value.trim();
    if (!uids.every(isId)) throw new Refusal("bad_id", BAD_UIDS);
    if (name !== "") {
      const { conv } = await this.#groups.make(name, uids);
      this.#dialog.close();
      this.#openGroup(conv);
      return;
    }
    if (uids.length !== 1) throw new Refusal("bad_frame", uids.length === 0 ? "say with whom" : "a group needs a name");
    if (uids[0] === this.#me()) throw new Refusal("bad_frame", "that is yourself");
    this.#dialog.close();
    this.#privately(uids[0]);
  }
}

export class MembersDialog {
  #dialog = /** @type {HTMLDialogElement} */ (part("members-dialog"));
  #list = part("members");
  #invited = /** @type {HTMLInputElement} */ (part("invite"));
  #outcome = part("members-outcome");
  #groups;
  #mention;
  #changed;
  #left;
  #gid = "";
  #me = "";

  /**
   * @param {Groups} groups @param {(uid: string) => void} mention
   * @param {(members: Member[]) => void} changed those of the open group are known, or others than before
   * @param {() => void} left the user is no member any more
   */
  constructor(groups, mention, changed, left) {
    this.#groups = groups;
    this.#mention = mention;
    this.#changed = changed;
    this.#left = left;
    makeClosable(this.#dialog);
    part("members-button").addEventListener("click", () => this.#open());
    part("leave").addEventListener("click", () => void attempt(this.#outcome, () => this.#leave()));
    part("members-form").addEventListener("submit", (event) => {
      event.preventDefault();
      void attempt(this.#outcome, () => this.#invite());
    });
  }

  /** Another group is looked at, or this one may have changed; none: "". @param {string} gid @param {string} me */
  look(gid, me) {
    if (gid !== this.#gid) this.#dialog.close();
    this.#gid = gid;
    this.#me = me;
    if (gid !== "") void attempt(this.#outcome, () => this.#fetch());
  }

  #open() {
    this.#invited.value = "";
    this.#dialog.showModal();
    void attempt(this.#outcome, () => this.#fetch());
  }

  /** @throws {Refusal} */
  async #fetch() {
    const gid = this.#gid;
    const { members } = await this.#groups.read(gid);
    if (gid === this.#gid) this.#show(members);
  }

  /** @param {Member[]} members */
  #show(members) {
    this.#list.replaceChildren(...members.map((member) => this.#row(member)));
    this.#changed(members);
  }

  /** @param {Member} member */
  #row({ uid, role, muted_until_ms: mutedUntil = 0 }) {
    const row = element("li");
    const isMuted = mutedUntil < 0 || mutedUntil > Date.now();
    row.append(element("bdi", "", uid), element("span", "role", isMuted ? `${role}, muted` : role));
    if (uid !== this.#me) {
      const button = element("button", "link", "Mention");
      button.setAttribute("type", "button");
      button.setAttribute("aria-label", `Mention ${uid}`);
      button.addEventListener("click", () => {
        this.#dialog.close();
        this.#mention(uid);
      });
      row.append(button);
    }
    return row;
  }

  /** @throws {Refusal} */
  async #invite() {
    const uid = this.#invited.value.trim();
    if (!isId(uid)) throw new Refusal("bad_id", BAD_UIDS);
    const { members } = await this.#groups.invite(this.#gid, uid);
    this.#invited.value = "";
    this.#show(members);
  }

  /** @throws {Refusal} */
  async #leave() {
    await this.#groups.remove(this.#gid, this.#me);
    this.#dialog.close();
    this.#left();
  }
}
