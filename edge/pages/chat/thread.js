/**
 * The conversation that is looked at: reads what was said before, sends, takes back, tells what was read.
 *
 * @typedef {import("../sdk/protocol.js").Chat} Chat
 * @typedef {import("../sdk/calls.js").Calls} Calls
 * @typedef {import("../sdk/groups.js").Group} Group
 * @typedef {import("../sdk/groups.js").Groups} Groups
 * @typedef {import("./inbox.js").Inbox} Inbox
 * @typedef {import("./inbox.js").Conversation} Conversation
 * @typedef {import("./place.js").Said} Said
 * @typedef {import("../sdk/messenger.js").Messenger} Messenger
 * @typedef {{conversation: Conversation, inbox: Inbox, messenger: Messenger, members: string[]}} Visit
 * @typedef {object} Around
 * @property {() => void} changed what is unread @property {(conv: string) => void} left by the user, who wanted that
 * @property {() => string} waits what to say of what is sent now
 */

import { Refusal } from "../sdk/protocol.js";
import { part } from "../shared/dialog.js";
import { t } from "../shared/language.js";
import { refused } from "../shared/wording.js";
import { BlockButton } from "./block-button.js";
import { letsSpeak } from "./changes.js";
import { ChatComposer } from "./composer.js";
import { mentioned } from "./inbox.js";
import { MembersDialog } from "./members.js";
import { Reading } from "./reading.js";
import { Transcript } from "./transcript.js";

const PAGE = 50; // messages that are read at one time
const TYPING_MS = 5000; // after which somebody is thought to have stopped

export class Thread {
  /** Another one with each conversation that is opened. @type {Visit | null} */
  #visit = null;
  #isFetching = false;
  #typingTimer = 0;
  #transcript = new Transcript(
    part("scroller"), part("messages"), /** @type {HTMLButtonElement} */ (part("newest")),
    (seq) => void this.#recall(seq), () => void this.read(), () => this.#renew(),
  );
  #composer = new ChatComposer(/** @type {HTMLFormElement} */ (part("composer")), {
    send: (said, cid) => this.#send(said, cid),
    typing: () => this.#visit?.messenger.typing(this.#visit.conversation.conv),
    waits: () => this.#around.waits(),
  });
  #around;
  #reading;
  #members;
  #block;

  /** @param {Groups} groups @param {Calls} calls @param {Around} around */
  constructor(groups, calls, around) {
    this.#around = around;
    this.#reading = new Reading(() => this.#seen(), () => around.changed());
    this.#block = new BlockButton(calls, (text, isBad) => this.#composer.say(text, isBad));
    this.#members = new MembersDialog(
      groups, (uid) => this.#composer.mention(uid), (group) => this.#know(group), (conv) => around.left(conv),
    );
    part("earlier").addEventListener("click", () => void this.#fetchEarlier());
    document.addEventListener("visibilitychange", () => void this.read());
  }

  /** The conversation; none: "". */
  get conv() {
    return this.#visit?.conversation.conv ?? "";
  }

  /** @param {Conversation} conversation @param {Inbox} inbox @param {Messenger} messenger */
  open(conversation, inbox, messenger) {
    const members = conversation.isGroup ? [] : [conversation.name];
    this.#visit = { conversation, inbox, messenger, members };
    this.#composer.open(conversation.conv);
    this.typing("");
    part("thread").hidden = false;
    part("earlier").hidden = true;
    this.#transcript.open(conversation, inbox.me);
    this.#showHead();
    part("thread-name").focus();
    void this.#fetchEarlier();
  }

  /** Somebody wants to say something. */
  write() {
    this.#composer.focus();
  }

  /** Another user: what one wrote is not for the other. */
  forget() {
    this.close();
    this.#composer.forget();
  }

  close() {
    this.#visit = null;
    part("thread").hidden = true;
    this.#members.look("", "");
    this.#block.look("");
  }

  /** What the service knows of the conversations was told. */
  synced() {
    this.#showHead();
    this.showTicks();
    if (this.#transcript.first === null) void this.#fetchEarlier();
    else void this.read();
  }

  /** What was said, here and elsewhere. @param {Chat[]} all */
  take(all) {
    this.#composer.settle(all);
    if (this.#visit === null) return;
    const { inbox } = this.#visit;
    for (const message of all) if (letsSpeak(message, inbox.me)) this.#composer.unmuted(message.conv);
    const messages = all.filter((message) => message.conv === this.conv);
    if (messages.length === 0) return;
    this.#transcript.add(messages);
    if (this.#transcript.hasForgotten) part("earlier").hidden = false;
    this.typing("");
    if (messages.some((message) => message.kind === "member")) this.#showHead();
    void this.read();
  }

  /** The other one has read more than before. */
  showTicks() {
    this.#transcript.showTicks();
  }

  /** @param {string} uid who writes; nobody: "" */
  typing(uid) {
    clearTimeout(this.#typingTimer);
    part("typing").textContent = uid && t("typing", { uid });
    if (uid) this.#typingTimer = setTimeout(() => this.typing(""), TYPING_MS);
  }

  /** @param {Refusal} refusal */
  refuse(refusal) {
    this.#composer.say(refused(refusal), true);
  }

  /** What is in sight was read. */
  read() {
    return this.#reading.tell();
  }

  /** All that was said lately is in sight. @returns {Visit | null} */
  #seen() {
    const isSeen = !document.hidden && this.#transcript.isFollowing && this.#transcript.first !== null;
    return isSeen && !this.#isFetching ? this.#visit : null;
  }

  #renew() {
    if (this.#visit === null) return;
    this.#transcript.open(this.#visit.conversation, this.#visit.inbox.me);
    void this.#fetchEarlier();
  }

  #showHead() {
    if (this.#visit === null) return;
    const { conversation: { name, isGroup, isGone, conv, over }, inbox: { me } } = this.#visit;
    const isIn = isGroup && !isGone;
    part("thread-name").textContent = name;
    part("members-button").hidden = !isIn;
    if (isGone) part("earlier").hidden = true;
    this.#members.look(isIn ? conv.slice(2) : "", me);
    this.#block.look(isGroup ? "" : name);
    this.#composer.end(over);
  }

  /** What is known of the group that is looked at. @param {Group} group */
  #know({ members, dissolved }) {
    if (this.#visit === null) return;
    this.#visit.members = members.map((member) => member.uid);
    if (dissolved) this.#composer.end((this.#visit.conversation.over = t("over.dissolved")));
  }

  /** The newest messages at first, then those before them. */
  async #fetchEarlier() {
    const visit = this.#visit;
    if (visit === null || visit.conversation.isGone || this.#isFetching) return;
    this.#isFetching = true;
    part("scroller").ariaBusy = "true"; // nobody wants all of it read aloud
    try {
      await this.#fetchPage(visit);
    } finally {
      this.#isFetching = false;
      part("scroller").ariaBusy = null;
    }
    if (visit !== this.#visit) await this.#fetchEarlier(); // another one is looked at by now
    else void this.read();
  }

  /** @param {Visit} visit */
  async #fetchPage(visit) {
    const until = (this.#transcript.first ?? visit.conversation.lastSeq + 1) - 1;
    const after = Math.max(0, until - PAGE);
    try {
      const found = await visit.messenger.page(visit.conversation.conv, after, until);
      if (visit !== this.#visit) return;
      this.#transcript.add(found);
      this.#composer.settle(found);
      part("earlier").hidden = after === 0 || found.length === 0;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (visit !== this.#visit || visit.conversation.isGone) return;
      this.refuse(error);
      part("earlier").hidden = false;
    }
  }

  /** @param {Said} said @param {string} cid @throws {Refusal} */
  async #send({ text, body }, cid) {
    if (this.#visit === null) throw new Refusal("unavailable", "there is no conversation");
    const { conversation: { conv }, inbox: { me }, messenger, members } = this.#visit;
    await messenger.send(me, conv, body, mentioned(text, members), cid);
  }

  /** @param {number} seq */
  async #recall(seq) {
    try {
      await this.#visit?.messenger.recall(this.conv, seq);
      this.#composer.say("");
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.refuse(error);
    }
  }
}
