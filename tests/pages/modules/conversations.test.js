import { AGAIN_MS, ChatReader, ConversationReader, HOLD_MS, MOST_PULL } from "/sdk/conversations.js";
import { dice, holds, same } from "./assert.js";

const CONV = "g:team";
const message = (seq, cid = `c${seq}`, conv = CONV) =>
  ({ t: "chat", conv, seq, from: "ann", at: seq, kind: "message", cid });
const seqs = (shown) => shown.map((one) => one.seq);
const answer = (messages, lastSeq, more = false) => ({ conv: CONV, messages, last_seq: lastSeq, more });

/** A reader that has shown all until there. @param {number} position */
function at(position) {
  const reader = new ConversationReader();
  for (let seq = 1; seq <= position; seq += 1) same(seqs(reader.take(message(seq), 0)), [seq]);
  return reader;
}

export function an_early_message_waits_a_moment_for_those_before_it() {
  const reader = at(2);
  same(reader.take(message(4), 1000), []);
  same(reader.ask(1000 + HOLD_MS - 1), null);
  same(seqs(reader.take(message(3), 1050)), [3, 4]);
  same(reader.due, null);
}

export function who_does_not_come_is_pulled() {
  const reader = at(2);
  reader.take(message(4), 1000);
  same(reader.ask(1000 + HOLD_MS), 2);
  same(seqs(reader.pulled(2, answer([message(3), message(4)], 4), 1100)), [3, 4]);
  same([reader.position, reader.due, reader.missed], [4, null, 0]);
}

export function a_head_is_a_gap_and_a_refusal_for_good_ends_it() {
  const reader = at(2);
  reader.hear(5, 1000);
  same(reader.ask(1000 + HOLD_MS), 2);
  reader.failed(1100);
  same(reader.due, 1100 + AGAIN_MS);
  same(reader.pulled(2, { ...answer([], 0), error: "not_a_member" }, 2100), []);
  same([reader.position, reader.due], [2, null]);
}

export function what_is_kept_nowhere_is_counted_and_passed_over() {
  const reader = at(1);
  reader.hear(9, 0);
  same(reader.ask(HOLD_MS), 1);
  same(seqs(reader.pulled(1, { ...answer([message(6), message(7)], 9), complete: false }, 200)), [6, 7]);
  same([reader.position, reader.missed], [9, 6]);
}

export function a_store_that_went_back_is_read_again_and_only_what_differs_is_shown() {
  const reader = at(4);
  same(reader.take(message(4, "another"), 1000), []);
  same(reader.ask(1000), 0);
  const stored = [message(1), message(2), message(3), message(4, "another")];
  same(reader.pulled(0, answer(stored, 4), 1000).map((one) => one.cid), ["another"]);
  same([reader.position, reader.due], [4, null]);
}

export function what_was_recalled_is_still_the_same_message() {
  const reader = at(2);
  same(reader.take({ t: "chat", conv: CONV, seq: 2, kind: "gone" }, 0), []);
  same([reader.position, reader.due], [2, null]);
}

export function one_pull_names_no_more_conversations_than_it_may_and_all_have_their_turn() {
  const reader = new ChatReader();
  const names = Array.from({ length: MOST_PULL + 20 }, (_, index) => `g:${index}`);
  reader.heads(Object.fromEntries(names.map((conv) => [conv, 1])), 0);
  same(reader.due, HOLD_MS);
  const first = reader.gaps(HOLD_MS);
  same(first.length, MOST_PULL);
  const pulled = first.map(({ conv }) => ({ conv, messages: [message(1, "c", conv)], last_seq: 1 }));
  same(reader.pulled(first, pulled.slice(1), HOLD_MS).length, MOST_PULL - 1);
  const second = reader.gaps(HOLD_MS);
  same(second.length, 20);
  reader.failed(second, HOLD_MS, 50);
  same([reader.gaps(HOLD_MS).length, reader.gaps(HOLD_MS + 50).length, reader.due], [0, 20, HOLD_MS + 50]);
}

/** Whatever gets lost, comes twice or early: everything once and in order in the end. */
export function everything_once_and_in_order_whatever_gets_lost() {
  for (let seed = 1; seed <= 200; seed += 1) {
    const random = dice(seed);
    const reader = new ConversationReader();
    const shown = [];
    let [last, now] = [0, 0];
    const pull = (most) => {
      const after = reader.ask(now);
      if (after === null) return;
      const all = Array.from({ length: last - after }, (_, index) => message(after + 1 + index));
      shown.push(...reader.pulled(after, answer(all.slice(0, most), last, all.length > most), now));
    };
    for (let step = 0; step < 60; step += 1, now += 40) {
      last += 1;
      if (random() < 0.6) shown.push(...reader.take(message(last), now));
      if (random() < 0.3) shown.push(...reader.take(message(1 + Math.floor(random() * last)), now));
      if (random() < 0.2) pull(1 + Math.floor(random() * 9));
    }
    reader.hear(last, now);
    for (let turn = 0; turn < 200 && reader.due !== null; turn += 1, now += AGAIN_MS) pull(5);
    same(seqs(shown), Array.from({ length: last }, (_, index) => index + 1), `seed ${seed}`);
    holds(reader.missed === 0, "nothing was lost for good");
  }
}

/**
 * Calls that the Python client got as well; what came of each: what was shown, the position, when to pull, what
 * was missed.
 * @param {string} scripts
 */
export function replay(scripts) {
  const outcomes = JSON.parse(scripts).map((calls) => {
    const reader = new ConversationReader();
    return calls.map(([verb, ...given]) => {
      const shown = reader[verb](...given);
      const found = Array.isArray(shown) ? shown.map((one) => [one.seq, one.cid ?? null]) : shown ?? null;
      return [found, reader.position, reader.due, reader.missed];
    });
  });
  return JSON.stringify(outcomes);
}
