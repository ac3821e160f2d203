/** The card of polls: a form for a new one, how the open one stands, and what came of it. */

import { barsOf } from "../shared/bars.js";
import { element } from "../shared/element.js";
import { t, timeOf } from "../shared/language.js";
import { Once } from "../shared/once.js";
import { button, field, input, select } from "../shared/parts.js";
import { onSubmit } from "../shared/submit.js";
import { lasting } from "../shared/wording.js";

/** @typedef {{id: string, question: string, options: string[], counts: number[], until: number | null}} Poll `until` by the service's clock */

const LEAST_OPTIONS = 2;
const MOST_OPTIONS = 10;
const LONGEST_QUESTION = 200;
const LONGEST_OPTION = 100;
const TIMES = [60, 120, 300, 600, 1800];

export class Polls {
  #box;
  #deeds;
  #now;
  #room = "";
  #asking = new Once();
  #question = input();
  #options = /** @type {HTMLInputElement[]} */ ([]);
  #time = select([["", t("poll.until_closed")], ...TIMES.map((s) => /** @type {[string, string]} */ ([String(s), lasting(s)]))]);
  #more = button(t("poll.more"), () => this.#addOption(), "link");
  #outcome = element("p", "outcome bad");
  #form = /** @type {HTMLFormElement} */ (element("form", "new-poll"));
  /** @type {Poll | null} */
  #poll = null;
  #isOpen = false;
  #mayAsk = false;
  /** What says how the one that is shown stands. @type {(poll: Poll) => void} */
  #tell = () => {};

  /** @param {HTMLElement} box @param {import("./deeds.js").Deeds} deeds @param {() => number} now ms since 1970 by the service's clock */
  constructor(box, deeds, now) {
    this.#box = box;
    this.#now = now;
    this.#deeds = deeds;
    this.#question.maxLength = LONGEST_QUESTION;
    this.#question.required = true;
    this.#form.autocomplete = "off";
    this.#outcome.role = "status";
    onSubmit(this.#form, () => this.#start());
    this.clear("");
  }

  /** @param {boolean} mayAsk whether one may open and close polls here */
  allow(mayAsk) {
    this.#mayAsk = mayAsk;
    this.#draw();
  }

  /** Of another room; nothing is known of its polls. @param {string} room */
  clear(room) {
    this.#room = room;
    this.#outcome.textContent = "";
    this.#poll = null;
    this.#isOpen = false;
    this.#draw();
  }

  /** @param {Poll} poll */
  open(poll) {
    if (this.#isOpen && poll.id === this.#poll?.id) return; // history tells it again, without its votes
    this.#poll = poll;
    this.#isOpen = true;
    this.#draw();
  }

  /** @param {string | null} id @param {number[] | null} counts */
  count(id, counts) {
    if (this.#poll === null || this.#poll.id !== id || counts === null || !this.#isOpen) return;
    this.#poll = { ...this.#poll, counts };
    this.#tell(this.#poll); // not drawn anew: what somebody is about to press stays where it is
  }

  /** @param {string} id @param {number[]} counts */
  close(id, counts) {
    if (this.#poll?.id !== id) return;
    this.#poll = { ...this.#poll, counts };
    this.#isOpen = false;
    this.#draw();
  }

  /** That one was closed or opened may have been missed. @param {Poll | null} open which is open by now */
  agree(open) {
    if (open !== null) {
      if (open.id !== this.#poll?.id) this.open(open);
    } else if (this.#isOpen && this.#poll !== null) {
      this.close(this.#poll.id, this.#poll.counts);
    }
  }

  #draw() {
    const hadFocus = this.#box.contains(document.activeElement);
    if (this.#poll !== null) this.#drawStanding(this.#poll);
    else if (this.#mayAsk) this.#drawForm();
    else this.#box.replaceChildren(element("p", "hint", t("poll.none")));
    if (hadFocus) (document.getElementById("poll-act") ?? this.#question).focus();
  }

  #drawForm() {
    while (this.#options.length < LEAST_OPTIONS) {
      const needed = option();
      needed.required = true;
      this.#options.push(needed);
    }
    const send = button(t("poll.open"), () => {}, "primary");
    send.type = "submit";
    const fields = this.#options.map((one, at) => field(`poll-option-${at}`, t("poll.option", { n: at + 1 }), one));
    this.#more.hidden = this.#options.length >= MOST_OPTIONS;
    this.#form.replaceChildren(
      field("poll-question", t("poll.question"), this.#question), ...fields, this.#more,
      field("poll-time", t("poll.time"), this.#time), send, this.#outcome,
    );
    this.#box.replaceChildren(this.#form);
  }

  #addOption() {
    const added = option();
    this.#options.push(added);
    this.#drawForm();
    added.focus();
  }

  /** @param {Poll} poll */
  #drawStanding(poll) {
    const { id, question, options, until } = poll;
    const box = element("div", "poll");
    const list = element("ul", "plain options");
    const state = element("p", "hint");
    const { bars, tell } = barsOf(options, () => element("li", "option"), (share, n) => t("poll.share", { share, n }));
    list.append(...bars);
    const end = until === null || !this.#isOpen ? "" : t("poll.until", { at: timeOf(Date.now() + until - this.#now()) });
    this.#tell = ({ counts }) => {
      state.textContent = t(this.#isOpen ? "poll.standing" : "poll.over", { n: tell(counts) }) + end;
    };
    this.#tell(poll);
    const act = this.#isOpen
      ? button(t("poll.close"), () => void this.#end(id))
      : button(t("poll.another"), () => this.#another());
    act.id = "poll-act";
    const heading = element("h3", "question");
    heading.append(element("bdi", "", question));
    act.hidden = !this.#mayAsk;
    box.append(heading, list, state, act);
    this.#box.replaceChildren(box);
  }

  #another() {
    this.clear(this.#room);
    this.#question.focus();
  }

  async #start() {
    const room = this.#room;
    const options = this.#options.map((one) => one.value.trim()).filter((text) => text !== "");
    const seconds = this.#time.value === "" ? undefined : Number(this.#time.value);
    const body = { question: this.#question.value.trim(), options, seconds };
    const path = `v1/rooms/${room}/polls`;
    const ask = (/** @type {string} */ cid) => this.#deeds.ask("POST", path, { ...body, cid });
    const say = () => this.#asking.say(path + JSON.stringify(body), ask);
    const opened = await this.#deeds.tell(say, t("done.poll"), () => (room === this.#room ? this.#outcome : null));
    if (opened === null || room !== this.#room) return; // or another room is looked at by now
    const until = body.seconds === undefined ? null : opened.at + body.seconds * 1000;
    this.open({ id: opened.poll, question: body.question, options, counts: options.map(() => 0), until });
    this.#question.value = "";
    this.#options = [];
  }

  /** @param {string} id */
  async #end(id) {
    const closed = await this.#deeds.call("DELETE", `v1/rooms/${this.#room}/polls/${id}`, undefined, t("done.poll_closed"));
    if (closed !== null) this.close(id, closed.counts);
  }
}

function option() {
  const made = input();
  made.maxLength = LONGEST_OPTION;
  return made;
}
