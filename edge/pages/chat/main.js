/**
 * The chat page: who is signed in, which conversation is looked at, and what a frame does to the parts.
 *
 * @typedef {import("../sdk/protocol.js").Chat} Chat
 * @typedef {import("../sdk/protocol.js").Ok} Ok
 * @typedef {import("../sdk/protocol.js").ServerFrame} ServerFrame
 */

import { Groups } from "../sdk/groups.js";
import { Messenger } from "../sdk/messenger.js";
import { TIMING } from "../sdk/pace.js";
import { prepareConfirm } from "../shared/confirm.js";
import { part } from "../shared/dialog.js";
import { Identity } from "../shared/identity.js";
import { learn, t, translate } from "../shared/language.js";
import { Link } from "../shared/link.js";
import { Memory } from "../shared/memory.js";
import { offerPreferencesDialog } from "../shared/preferences.js";
import { SignIn } from "../shared/sign-in.js";
import { Status } from "../shared/status.js";
import { waiting } from "../shared/wording.js";
import { NewDialog } from "./dialogs.js";
import { Inbox, isOwn, privately } from "./inbox.js";
import { ChatList } from "./list.js";
import { Thread } from "./thread.js";
import en from "./words.en.js";
import zh from "./words.zh-CN.js";

class ChatPage {
  #memory = new Memory();
  #identity = new Identity(this.#memory, {
    began: () => this.#begun(), ended: (why) => this.#ended(why), unanswered: () => this.#link.doubt(),
  }, () => this.#link.serviceNow);
  #signIn = new SignIn(part("sign-in"), this.#identity, t("purpose"));
  #groups = new Groups(this.#identity.calls);
  #inbox = new Inbox("");
  /** @type {Messenger | null} */
  #messenger = null;
  #isSynced = false;
  /** Which connection of this device is the newest: grows, whatever the clock does. */
  #n = 0;
  #list = new ChatList(part("conversations"), part("nothing"), (conv) => this.#go(conv));
  #thread = new Thread(this.#groups, this.#identity.calls, {
    changed: () => this.#draw(), left: (conv) => this.#left(conv), waits: () => waiting(this.#link),
  });
  #status = new Status(() => this.#link.connect());
  #link = new Link(() => this.#hello(), {
    changed: (state) => {
      this.#status.show(state);
      return this.#identity.heed(state, () => this.#link.connect());
    },
    greeted: (ok) => this.#greeted(ok),
    delivered: (frame) => this.#delivered(frame),
    lost: () => this.#messenger?.lost(),
  });

  start() {
    const begin = (/** @type {string} */ conv) => {
      this.#go(conv);
      this.#thread.write();
    };
    new NewDialog(this.#groups, () => this.#inbox.me, (uid) => begin(privately(this.#inbox.me, uid)), begin);
    prepareConfirm();
    offerPreferencesDialog(part("preferences-button"));
    part("sign-out").addEventListener("click", () => this.#identity.signOut());
    part("back").addEventListener("click", () => this.#go(""));
    addEventListener("popstate", () => this.#look(convInAddress()));
    this.#identity.start();
  }

  #begun() {
    this.#signIn.hide();
    part("chat").hidden = part("sign-out").hidden = false;
    this.#link.connect();
  }

  /** @param {string} why */
  #ended(why) {
    this.#link.close();
    this.#begin("");
    part("chat").hidden = part("sign-out").hidden = true;
    this.#signIn.show(why);
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
    this.#thread.forget();
    this.#list.clear();
    part("me").textContent = me;
    document.title = t("title");
    this.#messenger = me === "" ? null : new Messenger(this.#link, {
      synced: (all) => {
        this.#inbox.synced(all, this.#thread.conv);
        this.#synced();
      },
      shown: (messages) => this.#shown(messages),
      refused: (refusal) => this.#thread.refuse(refusal),
    }, TIMING);
  }

  #synced() {
    this.#isSynced = true;
    if (this.#thread.conv === "") this.#look(convInAddress());
    else this.#thread.synced();
    this.#draw();
  }

  /** @param {Chat[]} messages */
  #shown(messages) {
    if (messages.some(({ conv }) => this.#inbox.find(conv) === undefined)) this.#messenger?.resync(); // and what it is called
    for (const message of messages) this.#inbox.shown(message);
    this.#thread.take(messages);
    this.#draw();
  }

  /** @param {ServerFrame} frame */
  #delivered(frame) {
    if (frame.t === "notice") {
      if (frame.kind === "resync" && frame.room === undefined) this.#messenger?.resync();
    } else if (frame.t === "read") {
      this.#inbox.read(frame.conv, frame.uid, frame.seq);
      if (frame.conv === this.#thread.conv) this.#thread.showTicks();
      this.#draw();
    } else if (frame.t === "typing") {
      if (frame.conv === this.#thread.conv && frame.uid !== this.#inbox.me) this.#thread.typing(frame.uid);
    } else {
      this.#messenger?.take(frame);
    }
  }

  /** The user wanted to be no member any more. @param {string} conv */
  #left(conv) {
    this.#inbox.drop(conv);
    if (conv === this.#thread.conv) this.#go("");
    else this.#draw();
  }

  /** Look at a conversation, or with "" at none; the address says so, and the way back leads back. @param {string} conv */
  #go(conv) {
    if (conv !== this.#thread.conv) {
      history.pushState(null, "", conv === "" ? location.pathname : `?conv=${encodeURIComponent(conv)}`);
    }
    this.#look(conv);
    if (conv === "") part("new-button").focus();
  }

  /** @param {string} conv */
  #look(conv) {
    if (!this.#isSynced || this.#messenger === null || (conv !== "" && conv === this.#thread.conv)) return;
    if (this.#inbox.find(this.#thread.conv)?.isGone) this.#inbox.drop(this.#thread.conv);
    if (isOwn(conv, this.#inbox.me)) this.#thread.open(this.#inbox.open(conv), this.#inbox, this.#messenger);
    else this.#thread.close();
    this.#draw();
  }

  #draw() {
    const { unread } = this.#inbox;
    document.title = unread > 0 ? `(${unread}) ${t("title")}` : t("title");
    this.#list.show(this.#inbox, () => this.#thread.conv);
  }
}

function convInAddress() {
  return new URLSearchParams(location.search).get("conv") ?? "";
}

learn({ en, "zh-CN": zh });
translate();
new ChatPage().start();
