/** The page to watch a room: who one is, which room, and how the parts hang together. */

import { isId } from "../sdk/protocol.js";
import { makeClosable, part } from "../shared/dialog.js";
import { Identity } from "../shared/identity.js";
import { learn, sentence, t, translate } from "../shared/language.js";
import { Link } from "../shared/link.js";
import { Memory } from "../shared/memory.js";
import { Status } from "../shared/status.js";
import { Composer } from "./composer.js";
import { YouDialog } from "./dialogs.js";
import { Screen } from "./screen.js";
import { Stay } from "./stay.js";
import en from "./words.en.js";
import zh from "./words.zh-CN.js";

const DEFAULT_ROOM = "lobby";

class Page {
  #memory = new Memory();
  #link = new Link(() => this.#hello(), {
    changed: (state) => {
      this.#status.show(state);
      return this.#identity.heed(state, () => this.#link.connect());
    },
    opened: () => this.#stay.opened(),
    greeted: (ok) => {
      this.#you.greeted(ok.uid, ok.name ?? "", ok.role ?? "");
      this.#stay.greeted(ok.uid, ok.role ?? "");
    },
    delivered: (frame) => this.#stay.take(frame),
    lost: () => this.#stay.room?.lost(),
  });
  #status = new Status(() => this.#link.connect());
  #identity = new Identity(this.#memory, {
    began: () => this.#link.connect(),
    ended: (why) => {
      this.#link.connect();
      if (why !== "") this.#you.open(sentence(why));
    },
  }, () => this.#link.serviceNow);
  #you = new YouDialog(this.#memory, this.#identity, () => this.#link.connect());
  #composer = new Composer(/** @type {HTMLFormElement} */ (part("composer")), async (said) => {
    const ok = await this.#stay.room?.send(said);
    return ok?.shown === true ? 0 : ok?.delay_ms ?? null;
  }, () => this.#stay.waits);
  #screen = new Screen(this.#memory, {
    now: () => this.#link.serviceNow,
    vote: async (poll, option) => this.#stay.room?.vote(poll, option),
    voted: (poll) => this.#voted(poll),
    logIn: () => this.#you.open("", true),
    waits: () => this.#stay.waits,
    said: (text) => this.#composer.shown(text),
    ruled: (event, position) => this.#stay.ruled(event, position),
  });
  #stay = new Stay(this.#link, this.#screen, this.#composer);
  /** @type {import("./rooms.js").RoomsDialog | null} */
  #rooms = null;

  start() {
    makeClosable(part("rooms-dialog"));
    part("room-button").addEventListener("click", () => this.#choose());
    addEventListener("popstate", () => this.#turn());
    this.#turn();
    this.#identity.start();
    if (this.#memory.token === "") this.#link.connect();
  }

  /** Without `n`: two tabs of one browser are the same guest, and neither shall replace the other. */
  #hello() {
    const { token, name, device } = this.#memory;
    return { device, ...(token && { token }), ...(name && { name }) };
  }

  /** What guests voted for nobody looks up. @param {string} poll @returns {Promise<number | null>} @throws {Refusal} */
  async #voted(poll) {
    if (this.#identity.token === "") return null;
    const { voted } = await this.#identity.calls.call("GET", `v1/rooms/${this.#stay.name}/polls/${poll}`);
    return Number.isSafeInteger(voted) ? voted : null;
  }

  /** As the address says; a link within the page changes it too. */
  #turn() {
    const named = new URLSearchParams(location.search).get("room") ?? DEFAULT_ROOM;
    const room = isId(named) ? named : DEFAULT_ROOM;
    if (room !== this.#stay.name) this.#stay.enter(room);
    if (room !== named) this.#screen.announce(t("rooms.unusable", { room }));
  }

  #choose() {
    /** @type {HTMLInputElement} */ (part("rooms-field")).value = "";
    /** @type {HTMLDialogElement} */ (part("rooms-dialog")).showModal();
    import("./rooms.js").then(({ RoomsDialog }) => {
      this.#rooms ??= new RoomsDialog(() => this.#stay.name, (room) => this.#go(room));
      void this.#rooms.fill();
    }, () => {
      part("rooms-list").textContent = t("rooms.unknown");
    });
  }

  /** @param {string} name */
  #go(name) {
    if (name !== this.#stay.name) history.pushState(null, "", `?room=${name}`);
    this.#stay.enter(name);
  }
}

learn({ en, "zh-CN": zh });
translate();
new Page().start();
