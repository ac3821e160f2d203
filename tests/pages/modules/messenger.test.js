import { Lost } from "/sdk/connection.js";
import { Messenger } from "/sdk/messenger.js";
import { TIMING, sleep } from "/sdk/pace.js";
import { Refusal } from "/sdk/protocol.js";
import { holds, same } from "./assert.js";

const CONV = "g:team";
const QUICK = { ...TIMING, firstRetry: 1 };
const message = (seq, cid = `c${seq}`) => ({ t: "chat", conv: CONV, seq, from: "bob", at: seq, kind: "message", cid });
const many = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => message(from + index));

/** A service that has one conversation, and refuses what it was told to refuse first. */
class Service {
  isLive = true;
  stored = 0;
  /** Messages in one answer. */
  most = 200;
  /** @type {Record<string, Error[]>} */
  refusals = {};
  asked = [];

  async linked() {}

  ask(frame) {
    this.asked.push(frame);
    const refusal = this.refusals[frame.t]?.shift();
    if (refusal) return Promise.reject(refusal);
    if (frame.t === "chat.sync") {
      const convs = this.stored === 0 ? [] : [{ conv: CONV, last_seq: this.stored, read_seq: 0, unread: this.stored }];
      return Promise.resolve({ convs, more: false });
    }
    if (frame.t === "chat.pull") {
      return Promise.resolve({ results: frame.convs.map(({ conv, after, limit }) => {
        const end = Math.min(this.stored, after + Math.min(limit, this.most));
        return { conv, messages: many(after + 1, end), last_seq: this.stored, more: end < this.stored };
      }) });
    }
    this.stored += 1;
    return Promise.resolve({ conv: CONV, seq: this.stored, at: 1, duplicate: false });
  }

  said(kind) {
    return this.asked.filter((frame) => frame.t === kind);
  }
}

/** @param {Service} service */
function begin(service) {
  const told = { synced: 0, shown: [], refused: [] };
  const messenger = new Messenger(service, {
    synced: () => (told.synced += 1),
    shown: (messages) => told.shown.push(...messages.map((one) => one.seq)),
    refused: (refusal) => told.refused.push(refusal.name),
  }, QUICK, { random: () => 0.5 });
  messenger.resync();
  return { messenger, told };
}

/** @param {() => boolean} done */
async function until(done) {
  for (let turn = 0; !done(); turn += 1) {
    holds(turn < 5000, "it does not come");
    await sleep(1);
  }
}

export async function what_was_said_meanwhile_is_pulled_after_the_next_connect() {
  const service = new Service();
  service.stored = 3;
  const { messenger, told } = begin(service);
  await until(() => told.synced === 1);
  messenger.take(message(4));
  messenger.lost();
  service.stored = 500;
  messenger.resync();
  await until(() => told.shown.length === 497);
  same(told.shown, many(4, 500).map((one) => one.seq));
  same(service.said("chat.pull").map((frame) => frame.convs[0].after), [4, 204, 404]);
}

export async function a_delivery_that_was_lost_is_pulled_once_a_later_one_or_a_head_tells_of_it() {
  const service = new Service();
  service.stored = 1;
  const { messenger, told } = begin(service);
  await until(() => told.synced === 1);
  service.stored = 3;
  messenger.take(message(3));
  same(told.shown, []);
  await until(() => told.shown.length === 2);
  service.stored = 4;
  messenger.take({ t: "head", heads: { [CONV]: 4 } });
  await until(() => told.shown.length === 3);
  same(told.shown, [2, 3, 4]);
}

export async function a_conversation_nobody_knew_of_is_asked_about() {
  const service = new Service();
  const { messenger, told } = begin(service);
  await until(() => told.synced === 1);
  service.stored = 1;
  messenger.take(message(1));
  await until(() => told.synced === 2);
  messenger.take({ t: "head", heads: { [CONV]: 1 } });
  messenger.take(message(2));
  same([told.shown, told.synced], [[2], 2]);
}

export async function what_is_refused_for_now_is_asked_again_and_for_good_is_told() {
  const service = new Service();
  service.refusals["chat.sync"] = [new Refusal("unavailable", "not now"), new Refusal("rate_limited", "slowly", 1)];
  const { messenger, told } = begin(service);
  await until(() => told.synced === 1);
  service.refusals["chat.sync"] = [new Refusal("unauthorized", "a guest")];
  messenger.resync();
  await until(() => told.refused.length === 1);
  same([told.refused, told.synced], [["unauthorized"], 1]);
}

export async function a_message_with_an_unknown_outcome_is_said_again_under_the_same_cid_and_shown_once() {
  const service = new Service();
  service.refusals["chat.send"] = [new Lost(), new Refusal("unavailable", "not now")];
  const { messenger, told } = begin(service);
  await until(() => told.synced === 1);
  await messenger.send("ann", CONV, [{ type: "text", text: "hi" }], ["bob"]);
  const said = service.said("chat.send");
  same([said.length, new Set(said.map((frame) => frame.cid)).size, said[0].mention], [3, 1, ["bob"]]);
  messenger.take({ ...message(1, said[0].cid), from: "ann" });
  same(told.shown, [1]);
}

export async function a_message_that_is_refused_is_not_said_again() {
  const service = new Service();
  service.refusals["chat.send"] = [new Refusal("blocked", "not from you")];
  const { messenger } = begin(service);
  let name = "";
  await messenger.send("ann", CONV, [], null).catch((refusal) => (name = refusal.name));
  same([name, service.said("chat.send").length], ["blocked", 1]);
}

export async function a_page_that_comes_in_pieces_has_no_hole() {
  const service = new Service();
  service.stored = 100;
  service.most = 7;
  const { messenger } = begin(service);
  const found = await messenger.page(CONV, 40, 60);
  same(found.map((one) => one.seq), many(41, 60).map((one) => one.seq));
  service.refusals["chat.pull"] = [new Refusal("not_a_member", "no")];
  let name = "";
  await messenger.page(CONV, 0, 5).catch((refusal) => (name = refusal.name));
  same(name, "not_a_member");
}

export async function what_one_user_said_is_not_said_again_over_the_connection_of_another() {
  const service = new Service();
  service.user = "ann";
  const { messenger } = begin(service);
  service.refusals["chat.send"] = [new Lost()];
  const refused = messenger.send("ann", CONV, [], null, "c1").catch((refusal) => refusal);
  await until(() => service.said("chat.send").length === 1);
  service.user = "bob";
  const { name, isUndecided } = await refused;
  same([name, isUndecided, service.said("chat.send").length], ["unauthorized", true, 1]);
}
