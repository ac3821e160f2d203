import { Reader, START, compare } from "/sdk/reader.js";
import { dice, holds, same } from "./assert.js";

const golden = await (await fetch("/golden/frames.json")).json();
const frame = (name) => golden.find((one) => one.name === name).frame;

export function the_golden_join_and_what_follows_it() {
  const ok = frame("ok of join");
  const reader = new Reader();
  const shown = reader.joined(null, { epoch: ok.epoch, seq: ok.seq }, ok.history, ok.complete);
  same(shown.map((one) => [one.position.seq, one.item.k]), [[1, "c"], [2, "c"], [3, "gone"]]);
  same([reader.gap, reader.missed], [null, 0]);
  same(reader.take(frame("batch, every kind of item")), [], "what lies between is missing");
  same(reader.gap, { epoch: ok.epoch, seq: 3 });
  same(reader.take(frame("batch, first of an epoch")), [], "it was seen");
}

export function the_golden_skip_is_no_gap() {
  const skip = frame("skip");
  const reader = new Reader({ epoch: skip.epoch, seq: skip.from - 1 });
  same(reader.take(skip), []);
  same([reader.position, reader.gap, reader.skipped], [{ epoch: skip.epoch, seq: skip.to }, null, 217]);
}

export function the_golden_stats_tell_of_a_lost_last_batch() {
  const stats = frame("stats");
  const reader = new Reader({ epoch: stats.epoch, seq: stats.seq - 1 });
  reader.stats(stats);
  same(reader.gap, { epoch: stats.epoch, seq: stats.seq - 1 });
}

/** What a room showed, delivered badly, with pulls: everything once and in order in the end. */
export function everything_once_and_in_order_whatever_gets_lost() {
  for (let seed = 1; seed <= 200; seed += 1) badDelivery(dice(seed), seed);
}

/** @param {() => number} random @param {number} seed */
function badDelivery(random, seed) {
  const truth = [];
  const reader = new Reader(null, 1 + Math.floor(random() * 12));
  const shown = [];
  const show = (placed) => shown.push(...placed.map((one) => one.position));
  const after = (since) => truth.filter((batch) => compare(end(batch), since) > 0);
  const head = () => (truth.length > 0 ? end(truth[truth.length - 1]) : START);
  show(reader.joined(null, START, [], true));
  for (let step = 0; step < 40; step += 1) {
    truth.push(nextBatch(random, head()));
    if (random() < 0.5) show(reader.take(truth[truth.length - 1]));
    if (random() < 0.2) show(reader.take(truth[Math.floor(random() * truth.length)]));
    if (random() < 0.2) reader.stats(head());
    if (random() < 0.2 && reader.gap !== null) {
      const page = after(reader.gap).slice(0, 3);
      show(reader.history(reader.gap, page, page.length === after(reader.gap).length));
    }
    if (random() < 0.1) {
      reader.lost();
      const page = after(reader.since).slice(0, 5);
      show(reader.joined(reader.since, head(), page, page.length === after(reader.since).length));
    }
  }
  reader.stats(head());
  while (reader.gap !== null) show(reader.history(reader.gap, after(reader.gap).slice(0, 3), false));
  const wanted = truth.flatMap((batch) => batch.items.map((_, index) => ({ epoch: batch.epoch, seq: batch.seq + index })));
  same(shown, wanted, `seed ${seed}`);
  same(reader.missed, 0);
}

function nextBatch(random, head) {
  const items = Array.from({ length: 1 + Math.floor(random() * 4) }, () => ({ k: "gone" }));
  const isNew = head.epoch === 0 || random() < 0.1;
  const place = isNew ? { epoch: head.epoch + 10, seq: 1, prev: head } : { epoch: head.epoch, seq: head.seq + 1 };
  return { t: "batch", room: "r", at: 1, items, ...place };
}

function end(batch) {
  return { epoch: batch.epoch, seq: batch.seq + batch.items.length - 1 };
}

/** The same calls as another reader got; what it showed and where it stood after each. @param {string} runs */
export function replay(runs) {
  const outcomes = JSON.parse(runs).map(({ position, holdItems, calls }) => {
    const reader = new Reader(position, holdItems);
    holds(compare(reader.position, position ?? START) === 0, "it stands where it was put");
    return calls.map(([verb, ...given]) => {
      const placed = reader[verb](...given) ?? [];
      const items = placed.map((one) => [one.position.epoch, one.position.seq]);
      const gap = reader.gap && [reader.gap.epoch, reader.gap.seq];
      return [items, [reader.position.epoch, reader.position.seq], gap, reader.missed, reader.skipped];
    });
  });
  return JSON.stringify(outcomes);
}
