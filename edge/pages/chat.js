/**
 * The chat page: puts the parts together and decides what a message, a word of the connection or a click does to them.
 *
 * @typedef {import("./protocol.js").Chat} Chat
 * @typedef {import("./protocol.js").Ok} Ok
 * @typedef {import("./protocol.js").ServerFrame} ServerFrame
 * @typedef {import("./inbox.js").Conversation} Conversation
 */

import { ChatComposer } from "./chat-composer.js";
import { MembersDialog, NewDialog } from "./chat-dialogs.js";
import { ChatList } from "./chat-list.js";
import { sentence } from "./composer.js";
import { Connection, Lost } from "./connection.js";
import { part } from "./dialogs.js";
import { Groups } from "./groups.js";
import { Inbox, mentioned, privately, sendsAway } from "./inbox.js";
import { Memory } from "./memory.js";
import { Messenger } from "./messenger.js";
import { TIMING, sleep } from "./pace.js";
import { Refusal } from "./protocol.js";
import { Status } from "./status.js";
import { Transcript } from "./transcript.js";

const PAGE = 50; // messages that are read at one time
const TYPING_MS = 5000; // after which somebody is thought to have stopped
const READ_PAUSE_MS = 300; // between two words about what was read

class ChatPage {
  #memory = new Memory();
  #groups = new Groups(() => this.#memory.token);
  #inbox = new Inbox("");
  /** @type {Messenger | null} */
  #messenger = null;
  /** The one that is looked at. @type {Conversation | null} */
  #open = null;
  /** @type {string[]} */
  #members = [];
  /** Raised whenever another one is looked at. */
  #visit = 0;
  #isSynced = false;
  #isReading = false;
  #isFetching = false;
  #typingTimer = 0;
  /** Which connection of this device is the newest: grows, whatever the clock does. */
  #n = 0;
  #list = new ChatList(part("conversations"), part("nothing"), (conv) => this.#go(conv));
  #transcript = new Transcript(
    part("scroller"), part("messages"), /** @type {HTMLButtonElement} */ (part("newest")),
    (seq) => void this.#recall(seq), () => void this.#read(),
  );
  #composer = new ChatComposer(
    /** @type {HTMLFormElement} */ (part("composer")), (text, body) => this.#send(text, body),
    () => this.#open !== null && this.#messenger?.typing(this.#open.conv),
  );
  #membersDialog = new MembersDialog(this.#groups, (uid) => this.#composer.mention(uid), (members) => {
    this.#members = members.map((member) => member.uid);
  }, () => this.#messenger?.resync());
  #status = new Status(
    part("connection"), part("connection-text"), /** @type {HTMLButtonElement} */ (part("connection-button")),
    () => this.#connection.connect(),
  );
  #connection = new Connection(socketUrl(), () => this.#hello(), {
    changed: (state) => {
      this.#status.show(state);
      if (state.phase === "refused" && state.name === "unauthorized") this.#signOut(state.reason);
    },
    greeted: (ok) => this.#greeted(ok),
    delivered: (frame) => this.#delivered(frame),
    lost: () => this.#messenger?.lost(),
  }, TIMING);

  start() {
    new NewDialog(this.#groups, () => this.#inbox.me, (uid) => this.#go(privately(this.#inbox.me, uid)), (conv) => this.#go(conv));
    part("sign-in-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const field = /** @type {HTMLInputElement} */ (part("token"));
      this.#signIn(field.value.trim());
      field.value = "";
    });
    part("sign-out").addEventListener("click", () => this.#signOut(""));
    part("back").addEventListener("click", () => this.#go(""));
    part("earlier").addEventListener("click", () => void this.#fetchEarlier());
    addEventListener("popstate", () => this.#look(convInAddress()));
    addEventListener("online", () => this.#connection.hurry());
    document.addEventListener("visibilitychange", () => void this.#read());
    this.#signIn(takeTokenFromAddress() || this.#memory.token);
  }

  /** @param {string} token */
  #signIn(token) {
    if (token === "") return;
    this.#memory.keepWho(this.#memory.name, token);
    part("sign-in").hidden = true;
    part("chat").hidden = part("sign-out").hidden = false;
    part("sign-in-outcome").textContent = "";
    this.#connection.connect();
  }

  /** @param {string} why */
  #signOut(why) {
    this.#connection.close();
    this.#memory.keepWho(this.#memory.name, "");
    this.#begin("");
    part("sign-in").hidden = false;
    part("chat").hidden = part("sign-out").hidden = true;
    part("sign-in-outcome").textContent = sentence(why);
    part("token").focus();
  }

  #hello() {
    this.#n = Math.max(this.#n + 1, Date.now());
    return { token: this.#memory.token, device: this.#memory.device, n: this.#n, chat: true };
  }

  /** @param {Ok} ok */
  #greeted(ok) {
    if (ok.uid !== this.#inbox.me) this.#begin(ok.uid);
    this.#messenger?.resync();
  }

  /** Another user, or none: nothing is known of the conversations. @param {string} me */
  #begin(me) {
    this.#messenger?.lost();
    this.#inbox = new Inbox(me);
    this.#isSynced = false;
    this.#close();
    this.#list.clear();
    part("me").textContent = me;
    document.title = "Chat · Danmaku";
    this.#messenger = me === "" ? null : new Messenger(this.#connection, {
      synced: (all) => {
        this.#inbox.synced(all);
        this.#synced();
      },
      shown: (messages) => this.#shown(messages),
      refused: (refusal) => this.#composer.say(refusal.message, true),
    }, TIMING);
  }

  #synced() {
    this.#isSynced = true;
    if (this.#open === null) this.#look(convInAddress());
    else if (this.#inbox.find(this.#open.conv) === undefined) this.#go("");
    else if (this.#transcript.first === null) void this.#fetchEarlier();
    this.#showHead();
    this.#draw();
    void this.#read();
  }

  /** @param {Chat[]} messages */
  #shown(messages) {
    for (const message of messages) this.#inbox.shown(message);
    const isAway = messages.some((message) => sendsAway(message, this.#inbox.me));
    if (isAway) this.#messenger?.resync(); // what is left is told by the list
    const here = messages.filter((message) => message.conv === this.#open?.conv);
    if (here.length > 0) {
      this.#transcript.add(here);
      if (this.#transcript.hasForgotten) part("earlier").hidden = false;
      this.#showTyping("");
      if (!isAway && here.some((message) => message.kind === "member")) this.#showHead();
      if (this.#transcript.isFollowing) void this.#read();
    }
    this.#draw();
  }

  /** @param {ServerFrame} frame */
  #delivered(frame) {
    if (frame.t === "notice") {
      if (frame.kind === "reconnect") this.#connection.move(frame.retry_ms ?? 0);
      if (frame.kind === "resync" && frame.room === undefined) this.#messenger?.resync();
    } else if (frame.t === "read") {
      this.#inbox.read(frame.conv, frame.uid, frame.seq);
      if (frame.conv === this.#open?.conv) this.#transcript.showTicks();
      this.#draw();
    } else if (frame.t === "typing") {
      if (frame.conv === this.#open?.conv && frame.uid !== this.#inbox.me) this.#showTyping(frame.uid);
    } else {
      this.#messenger?.take(frame);
    }
  }

  /** Look at a conversation, or with "" at none; the address says so, and the way back leads back. @param {string} conv */
  #go(conv) {
    if (conv !== (this.#open?.conv ?? "")) {
      history.pushState(null, "", conv === "" ? location.pathname : `?conv=${encodeURIComponent(conv)}`);
    }
    this.#look(conv);
    if (conv === "") part("new-button").focus();
  }

  /** @param {string} conv */
  #look(conv) {
    if (!this.#isSynced || (conv !== "" && conv === this.#open?.conv)) return;
    if (!isOwn(conv, this.#inbox.me)) {
      this.#close();
      return;
    }
    this.#visit += 1;
    this.#open = this.#inbox.open(conv);
    this.#members = [];
    this.#composer.clear();
    this.#showTyping("");
    part("thread").hidden = false;
    this.#transcript.open(this.#open, this.#inbox.me);
    this.#showHead();
    part("thread-name").focus();
    void this.#fetchEarlier();
    this.#draw();
  }

  #close() {
    this.#visit += 1;
    this.#open = null;
    part("thread").hidden = true;
    this.#membersDialog.look("", "");
    this.#draw();
  }

  #showHead() {
    if (this.#open === null) return;
    part("thread-name").textContent = this.#open.name;
    part("members-button").hidden = !this.#open.isGroup;
    this.#membersDialog.look(this.#open.isGroup ? this.#open.conv.slice(2) : "", this.#inbox.me);
  }

  /** The newest messages at first, then those before them. */
  async #fetchEarlier() {
    const visit = this.#visit;
    await this.#fetchPage();
    if (visit !== this.#visit) await this.#fetchEarlier(); // another one is looked at by now
    else void this.#read();
  }

  async #fetchPage() {
    const [open, messenger, visit] = [this.#open, this.#messenger, this.#visit];
    if (open === null || messenger === null || this.#isFetching) return;
    const until = (this.#transcript.first ?? open.lastSeq + 1) - 1;
    const after = Math.max(0, until - PAGE);
    const list = part("messages");
    this.#isFetching = true;
    list.ariaBusy = "true";
    try {
      const found = await messenger.page(open.conv, after, until);
      if (visit !== this.#visit) return;
      this.#transcript.add(found.filter((message) => message.seq <= until));
      part("earlier").hidden = after === 0 || found.length === 0;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (visit !== this.#visit) return;
      this.#composer.say(error.message, true);
      part("earlier").hidden = false;
    } finally {
      this.#isFetching = false;
      list.ariaBusy = null;
    }
  }

  /** @param {string} text @param {import("./protocol.js").Part[]} body @throws {Refusal} */
  async #send(text, body) {
    const [open, messenger] = [this.#open, this.#messenger];
    if (open === null || messenger === null) throw new Refusal("unavailable", "there is no conversation");
    const mention = mentioned(text, open.isGroup ? this.#members : [open.name]);
    await messenger.send(this.#inbox.me, open.conv, body, mention);
  }

  /** @param {number} seq */
  async #recall(seq) {
    try {
      if (this.#open !== null) await this.#messenger?.recall(this.#open.conv, seq);
      this.#composer.say("");
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#composer.say(error.message, true);
    }
  }

  /** What is in sight was read; one word about it at a time. */
  async #read() {
    const open = this.#open;
    const isSeen = open !== null && !document.hidden && this.#transcript.isFollowing;
    if (!isSeen || this.#isReading || this.#isFetching || this.#transcript.first === null) return;
    if (open.lastSeq <= open.readSeq || this.#messenger === null) return;
    this.#isReading = true;
    try {
      this.#inbox.read(open.conv, this.#inbox.me, await this.#messenger.read(open.conv, open.lastSeq));
      this.#draw();
      await sleep(READ_PAUSE_MS);
    } catch (error) {
      if (!(error instanceof Refusal || error instanceof Lost)) throw error;
      return; // it is told with the next message, or after the next connect
    } finally {
      this.#isReading = false;
    }
    void this.#read();
  }

  /** @param {string} uid nobody: "" */
  #showTyping(uid) {
    clearTimeout(this.#typingTimer);
    part("typing").textContent = uid && `${uid} is writing…`;
    if (uid) this.#typingTimer = setTimeout(() => this.#showTyping(""), TYPING_MS);
  }

  #draw() {
    const { unread } = this.#inbox;
    document.title = unread > 0 ? `(${unread}) Chat · Danmaku` : "Chat · Danmaku";
    this.#list.show(this.#inbox, () => this.#open?.conv ?? "");
  }
}

/** Whether this may be a conversation of the user. @param {string} conv @param {string} me */
function isOwn(conv, me) {
  const [, one, other] = /^p:([A-Za-z0-9_-]{1,64}):([A-Za-z0-9_-]{1,64})$/.exec(conv) ?? [];
  if (one !== undefined) return one < other && (one === me || other === me);
  return /^g:[A-Za-z0-9_-]{1,64}$/.test(conv);
}

function convInAddress() {
  return new URLSearchParams(location.search).get("conv") ?? "";
}

/** `#token=…` of a link that signs in; it does not stay in the address, nor in the history. */
function takeTokenFromAddress() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
  if (token !== "") history.replaceState(null, "", location.pathname + location.search);
  return token;
}

function socketUrl() {
  const url = new URL("v1/ws", document.baseURI);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.search = url.hash = "";
  return url.href;
}

new ChatPage().start();
