/** The card of polls: a form for a new one, how the open one stands, and what came of it. */

import { newId } from "../sdk/protocol.js";
import { element } from "../shared/element.js";
import { t } from "../shared/language.js";
import { button, field, input, select } from "../shared/parts.js";
import { lasting, shares } from "../shared/wording.js";

/** @typedef {{id: string, question: string, options: string[], counts: number[]}} Poll */

const LEAST_OPTIONS = 2;
const MOST_OPTIONS = 10;
const TIMES = [60, 120, 300, 600, 1800];

export class Polls {
  #box;
  #deeds;
  #room = "";
  #question = input();
  #options = /** @type {HTMLInputElement[]} */ ([]);
  #time = select([["", t("poll.until_closed")], ...TIMES.map((s) => /** @type {[string, string]} */ ([String(s), lasting(s)]))]);
  #more = button(t("poll.more"), () => this.#addOption(), "link");
  #form = /** @type {HTMLFormElement} */ (element("form", "new-poll"));
  /** @type {Poll | null} */
  #poll = null;
  #isOpen = false;

  /** @param {HTMLElement} box @param {import("./deeds.js").Deeds} deeds */
  constructor(box, deeds) {
    this.#box = box;
    this.#deeds = deeds;
    this.#question.maxLength = 1000;
    this.#question.required = true;
    this.#form.autocomplete = "off";
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#start();
    });
    this.clear("");
  }

  /** Of another room; nothing is known of its polls. @param {string} room */
  clear(room) {
    this.#room = room;
    this.#poll = null;
    this.#isOpen = false;
    this.#draw();
  }

  /** @param {Poll} poll */
  open(poll) {
    this.#poll = poll;
    this.#isOpen = true;
    this.#draw();
  }

  /** @param {string | null} id @param {number[] | null} counts */
  count(id, counts) {
    if (this.#poll === null || this.#poll.id !== id || counts === null || !this.#isOpen) return;
    this.#poll = { ...this.#poll, counts };
    this.#draw();
  }

  /** @param {string} id @param {number[]} counts */
  close(id, counts) {
    if (this.#poll?.id !== id) return;
    this.#poll = { ...this.#poll, counts };
    this.#isOpen = false;
    this.#draw();
  }

  #draw() {
    const focused = this.#box.contains(document.activeElement) ? document.activeElement?.id : "";
    if (this.#poll === null) this.#drawForm();
    else this.#box.replaceChildren(this.#standing(this.#poll));
    if (focused) document.getElementById(focused)?.focus();
  }

  #drawForm() {
    while (this.#options.length < LEAST_OPTIONS) this.#options.push(option());
    const send = button(t("poll.open"), () => {}, "primary");
    send.type = "submit";
    const fields = this.#options.map((one, at) => field(`poll-option-${at}`, t("poll.option", { n: at + 1 }), one));
    this.#more.hidden = this.#options.length >= MOST_OPTIONS;
    this.#form.replaceChildren(
      field("poll-question", t("poll.question"), this.#question), ...fields, this.#more,
      field("poll-time", t("poll.time"), this.#time), send,
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
  #standing({ id, question, options, counts }) {
    const box = element("div", "poll");
    const list = element("ul", "plain options");
    const parts = shares(counts);
    options.forEach((text, at) => {
      const row = element("li", "option");
      row.style.setProperty("--share", `${parts[at]}%`);
      row.append(element("bdi", "", text), element("span", "share", t("poll.share", { share: parts[at], n: counts[at] ?? 0 })));
      list.append(row);
    });
    const n = counts.reduce((sum, count) => sum + count, 0);
    const state = element("p", "hint", t(this.#isOpen ? "poll.standing" : "poll.over", { n }));
    const act = this.#isOpen
      ? button(t("poll.close"), () => void this.#end(id))
      : button(t("poll.another"), () => this.#another());
    act.id = "poll-act";
    const heading = element("h3", "question");
    heading.append(element("bdi", "", question));
    box.append(heading, list, state, act);
    return box;
  }

  #another() {
    this.clear(this.#room);
    this.#question.focus();
  }

  async #start() {
    const options = this.#options.map((one) => one.value.trim()).filter((text) => text !== "");
    const seconds = this.#time.value === "" ? {} : { seconds: Number(this.#time.value) };
    const body = { question: this.#question.value.trim(), options, cid: newId(), ...seconds };
    const opened = await this.#deeds.call("POST", `v1/rooms/${this.#room}/polls`, body, t("done.poll"));
    if (opened === null) return;
    this.open({ id: opened.poll, question: body.question, options, counts: options.map(() => 0) });
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
  made.maxLength = 1000;
  return made;
}
