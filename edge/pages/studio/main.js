/** The studio: who is signed in, which room, and what belongs to it. */

import { isId, Refusal } from "../sdk/protocol.js";
import { prepareConfirm } from "../shared/confirm.js";
import { part } from "../shared/dialog.js";
import { Feed } from "../shared/feed.js";
import { Identity, isAtLeast } from "../shared/identity.js";
import { learn, t, translate } from "../shared/language.js";
import { Memory } from "../shared/memory.js";
import { ModeratorsPanel } from "../shared/moderators.js";
import { offerPreferencesDialog } from "../shared/preferences.js";
import { SignIn } from "../shared/sign-in.js";
import staffEn from "../shared/staff.en.js";
import staffZh from "../shared/staff.zh-CN.js";
import { Status } from "../shared/status.js";
import { Toasts } from "../shared/toasts.js";
import { short, waiting } from "../shared/wording.js";
import { Chart } from "./chart.js";
import { Deeds } from "./deeds.js";
import { Gifts } from "./gifts.js";
import { showLinks } from "./links.js";
import { Live } from "./live.js";
import { Polls } from "./polls.js";
import { Pulse } from "./pulse.js";
import { RoomCard } from "./room-card.js";
import { Speech } from "./speech.js";
import en from "./words.en.js";
import zh from "./words.zh-CN.js";

const SAMPLE_MS = 2_000;
const SOON_MS = 200;

class Studio {
  #memory = new Memory();
  #identity = new Identity(this.#memory, {
    began: () => this.#began(), ended: (why) => this.#ended(why), unanswered: () => this.#live?.doubt(),
  }, () => this.#live?.now ?? Date.now());
  #signIn = new SignIn(part("sign-in"), this.#identity, t("sign_in.purpose"));
  #toasts = new Toasts(part("toasts"));
  #deeds = new Deeds(this.#identity.calls, this.#toasts);
  #status = new Status(() => this.#again());
  #feed = new Feed(part("feed"), t("said.label"), () => {});
  #polls = new Polls(part("poll"), this.#deeds, () => this.#live?.now ?? Date.now());
  #chart = new Chart(part("chart"));
  #card = new RoomCard(this.#deeds);
  #speech = new Speech({
    send: (room, saying, cid) => this.#say(room, saying, cid),
    waits: ({ kind }) => (kind === "comment" && this.#live !== null ? waiting(this.#live) : ""),
  }, this.#toasts);
  #gifts = new Gifts(this.#deeds);
  #moderators = new ModeratorsPanel(part("moderators"), {
    acts: {
      read: (path) => this.#deeds.call("GET", `v1/${path}`),
      appoint: (room, uid, appointed) => this.#appoint(room, uid, appointed),
    },
    column: () => (this.#room === "" ? null : { name: this.#room, role: this.#identity.roleIn(this.#room) }),
  });
  #pulse = new Pulse();
  /** @type {Live | null} */
  #live = null;
  #room = "";
  /** Who was signed in last. @type {string | undefined} */
  #uid = undefined;
  /** Raised where one leaves a room, or signs out: what was asked before is of no use any more. */
  #visit = 0;
  #refreshing = 0;
  /** Of the page, while it is about no room. */
  #title = document.title;

  start() {
    prepareConfirm();
    offerPreferencesDialog(part("preferences-button"));
    part("sign-out").addEventListener("click", () => this.#identity.signOut());
    part("choose-form").addEventListener("submit", (event) => this.#choose(event));
    part("other-room").addEventListener("click", () => this.#leave());
    part("come-in").addEventListener("click", () => this.#again());
    addEventListener("online", () => this.#live?.hurry());
    addEventListener("offline", () => this.#live?.doubt());
    addEventListener("popstate", () => this.#turn());
    setInterval(() => this.#sample(), SAMPLE_MS);
    this.#identity.start();
    if (this.#identity.token === "") this.#signIn.show();
  }

  #began() {
    this.#signIn.hide();
    part("sign-out").hidden = false;
    part("me").textContent = this.#identity.who?.name ?? "";
    if (this.#uid !== this.#identity.who?.uid) this.#speech.forget();
    this.#uid = this.#identity.who?.uid;
    const room = new URLSearchParams(location.search).get("room") ?? "";
    if (isId(room)) this.#open(room);
    else this.#ask();
  }

  /** @param {string} why */
  #ended(why) {
    this.#close();
    for (const dialog of document.querySelectorAll("dialog")) dialog.close();
    for (const name of ["studio", "choose", "sign-out"]) part(name).hidden = true;
    part("me").textContent = "";
    this.#signIn.show(why);
  }

  /** Which room? Those where one streams by the login are offered. */
  #ask() {
    part("choose").hidden = false;
    const own = Object.entries(this.#identity.who?.rooms ?? {}).filter(([, role]) => role === "streamer").map(([room]) => room);
    part("choose-names").replaceChildren(...own.map((room) => new Option("", room)));
    const field = /** @type {HTMLInputElement} */ (part("choose-room"));
    if (own.length === 1) field.value = own[0];
    field.focus();
  }

  /** For another room. */
  #leave() {
    this.#close();
    history.pushState(null, "", location.pathname);
    part("studio").hidden = true;
    this.#ask();
  }

  /** As the address says. */
  #turn() {
    const room = new URLSearchParams(location.search).get("room") ?? "";
    if (this.#identity.token === "" || room === this.#room) return;
    if (isId(room)) this.#open(room);
    else this.#leave();
  }

  /** @param {Event} event */
  #choose(event) {
    event.preventDefault();
    const room = /** @type {HTMLInputElement} */ (part("choose-room")).value.trim();
    part("choose-outcome").textContent = isId(room) ? "" : t("choose.bad");
    if (!isId(room)) return;
    history.replaceState(null, "", `${location.pathname}?room=${room}`);
    this.#open(room);
    part("say-text").focus({ preventScroll: true });
  }

  /** @param {string} room */
  #open(room) {
    this.#close();
    this.#room = room;
    part("choose").hidden = true;
    part("studio").hidden = false;
    part("room-name").textContent = room;
    document.title = t("title", { room });
    showLinks(part("links"), room);
    this.#polls.clear(room);
    this.#speech.show(room);
    this.#gifts.show(room);
    void this.#make(room);
  }

  /** @param {string} room */
  async #make(room) {
    const visit = this.#visit;
    const role = this.#identity.roleIn(room);
    const isOwn = isAtLeast(role, "streamer");
    this.#offer(isAtLeast(role, "moderator"));
    await this.#card.show(room, isOwn);
    if (visit !== this.#visit) return;
    part("moderators-card").hidden = !isOwn;
    if (isOwn) void this.#moderators.open();
    this.#enter();
    if (isAtLeast(role, "moderator")) return;
    const mayModerate = await this.#deeds.may(`v1/admin/rooms/${room}/settings`); // who was appointed may read them
    if (mayModerate && visit === this.#visit) this.#offer(true);
  }

  /** What the room's staff may do. @param {boolean} isStaff */
  #offer(isStaff) {
    part("gift-card").hidden = !isStaff;
    this.#card.allow(isStaff);
    this.#polls.allow(isStaff);
    this.#speech.allow(isStaff);
  }

  #enter() {
    this.#feed.clear();
    this.#live?.close();
    this.#live = new Live(this.#identity, this.#memory.device, this.#feed, this.#polls, this.#pulse, {
      connection: (state) => this.#status.show(state),
      counted: ({ likes, viewers }) => {
        part("figure-viewers").textContent = short(viewers);
        part("figure-likes").textContent = short(likes);
        part("figure-most").textContent = short(this.#pulse.mostViewers);
      },
      viewed: (announcement) => {
        this.#card.unpin();
        if (announcement !== null) this.#card.pin(announcement, this.#live?.now ?? Date.now());
      },
      happened: (item) => this.#happened(item),
      outside: (why) => this.#outside(why),
    });
    void this.#live.enter(this.#room);
  }

  /** Why one is out of the room; "": one is in it. @param {string} why */
  #outside(why) {
    const button = part("come-in");
    if (why === "" && button === document.activeElement) part("say-text").focus();
    button.hidden = why === "";
    part("room-outcome").textContent = why;
    if (why !== "") part("figure-viewers").textContent = "–";
  }

  #again() {
    part("room-outcome").textContent = ""; // so that the same answer is told as one
    if (this.#live?.isWaiting) this.#live.hurry();
    else if (this.#room !== "") this.#enter();
  }

  #close() {
    this.#live?.close();
    this.#live = null;
    this.#visit += 1;
    this.#room = "";
    this.#speech.show("");
    this.#outside("");
    this.#pulse = new Pulse();
    this.#chart.show([]);
    for (const name of ["viewers", "rate", "likes", "most"]) part(`figure-${name}`).textContent = "–";
    part("room-name").textContent = "";
    document.title = this.#title;
    part("room-state").hidden = true;
  }

  /** @param {import("../sdk/showing.js").Item} item */
  #happened(item) {
    if (item.kind === "announce") this.#card.pin(item, this.#live?.now ?? Date.now());
    else if (item.kind === "unpinned") this.#card.unpin();
    else if (item.kind === "recall") this.#card.recall(item);
    else this.#refreshing ||= setTimeout(() => this.#refresh(), SOON_MS); // history may tell of many at once
  }

  #refresh() {
    this.#refreshing = 0;
    if (this.#room !== "") void this.#card.refresh();
  }

  #sample() {
    if (this.#live === null) return;
    const { now } = this.#live;
    this.#pulse.sample(now);
    if (document.hidden) return;
    part("figure-rate").textContent = short(this.#pulse.rate(now));
    this.#chart.show(this.#pulse.samples);
  }

  /** @param {string} room @param {import("./speech.js").Saying} saying @param {string} cid */
  async #say(room, saying, cid) {
    if (saying.kind === "announce") return this.#deeds.ask("POST", `v1/rooms/${room}/messages`, { ...saying, cid });
    if (this.#live === null) throw new Refusal("not_joined", t("say.outside"), 0); // for now: of an earlier try that says nothing
    return this.#live.say(saying.text, cid);
  }

  /** @param {string} room @param {string} uid @param {boolean} appointed */
  #appoint(room, uid, appointed) {
    const path = `v1/admin/rooms/${room}/moderators/${uid}`;
    const done = t(appointed ? "done.appoint" : "done.dismiss", { who: uid, where: room });
    return this.#deeds.call(appointed ? "PUT" : "DELETE", path, appointed ? {} : undefined, done);
  }
}

learn({ en: staffEn, "zh-CN": staffZh });
learn({ en, "zh-CN": zh });
translate();
new Studio().start();
