import { Connection, Lost } from "/sdk/connection.js";
import { TIMING, sleep } from "/sdk/pace.js";
import { Refusal } from "/sdk/protocol.js";
import { Room } from "/sdk/room.js";
import { holds, same } from "./assert.js";

const AUDIENCE = { shown() {}, counted() {}, joined() {}, missed() {}, refused() {} };
const batch = (seq) => ({ t: "batch", room: "r", epoch: 5, seq, at: 1, items: [{ k: "gone" }] });

/** A connection that admits to a room at (5, 1) and keeps questions to its history until they are answered. */
class Held extends Connection {
  /** @type {{since: {seq: number}, answer: (ok: object) => void, refuse: (error: Error) => void}[]} */
  questions = [];

  constructor() {
    super("ws://here", () => ({}), { changed() {}, delivered() {}, lost() {} }, TIMING);
  }

  ask(frame) {
    if (frame.t === "join") return Promise.resolve({ epoch: 5, seq: 1, history: [], complete: true });
    return new Promise((answer, refuse) => this.questions.push({ since: frame.since, answer, refuse }));
  }
}

/** @param {() => boolean} done */
async function until(done) {
  while (!done()) await sleep(1);
}

export async function a_room_asks_history_one_question_at_a_time() {
  const connection = new Held();
  const room = new Room("r", connection, AUDIENCE, { ...TIMING, pullJitter: 10 }, { random: () => 1 });
  await room.enter();
  for (const seq of [3, 5, 7]) room.take(batch(seq));
  holds(connection.questions.length === 0, "it waits before it asks: a gap often closes by itself");
  await until(() => connection.questions.length > 0);
  for (const seq of [9, 11]) room.take(batch(seq));
  await sleep(30);
  same(connection.questions.map((one) => one.since.seq), [1]);
  connection.questions[0].answer({ epoch: 5, seq: 11, history: [2, 4, 6, 8, 10].map(batch), complete: true });
  await sleep(30);
  same(connection.questions.length, 1, "nothing is missing any more");
}

export async function a_gap_that_closes_by_itself_is_not_asked_about() {
  const connection = new Held();
  const room = new Room("r", connection, AUDIENCE, { ...TIMING, pullJitter: 10 }, { random: () => 1 });
  await room.enter();
  room.take(batch(3));
  room.take(batch(2));
  room.take({ t: "skip", room: "r", epoch: 5, from: 4, to: 6 });
  room.take(batch(7));
  await sleep(30);
  same(connection.questions.length, 0);
}

export async function a_pull_that_came_too_soon_is_not_made_again_before_its_time() {
  const connection = new Held();
  const room = new Room("r", connection, AUDIENCE, { ...TIMING, pullJitter: 1 }, { random: () => 0 });
  await room.enter();
  room.take(batch(3));
  await until(() => connection.questions.length > 0);
  connection.questions[0].refuse(new Refusal("rate_limited", "slowly", 60_000));
  await sleep(50);
  same(connection.questions.length, 1);
  room.leave();
}

export async function a_comment_waits_for_a_connection_that_is_only_just_closing() {
  let asked = 0;
  const connection = new (class extends Held {
    ask(frame) {
      if (frame.t !== "send") return super.ask(frame);
      asked += 1;
      return isBack ? Promise.resolve({ shown: true }) : Promise.reject(new Lost());
    }
  })();
  let isBack = false;
  let turns = 0;
  const others = setInterval(() => (turns += 1), 5);
  const room = new Room("r", connection, AUDIENCE, TIMING, { random: () => 0 });
  await room.enter();
  const sent = room.send({ text: "hello" });
  await until(() => turns > 3 && asked > 0);
  holds(asked < 5, "it does not ask all the time, and everything else has its turn");
  isBack = true;
  same((await sent).shown, true);
  clearInterval(others);
}

/** @param {Promise<unknown>} asked */
const outcome = (asked) => asked.then(() => "done", (error) => error.name);

export async function nothing_waits_for_a_connection_that_will_not_be() {
  const connection = new Held();
  const room = new Room("r", connection, AUDIENCE, TIMING);
  await room.enter();
  room.lost();
  const asked = [room.send({ text: "hello" }), room.vote("p", 0), room.history({ epoch: 5, seq: 1 })].map(outcome);
  connection.give(new Refusal("replaced", "somebody is here already"));
  asked.push(outcome(room.send({ text: "still here" })));
  same(await Promise.all(asked), ["replaced", "replaced", "replaced", "replaced"]);
}

export async function nothing_waits_for_a_room_that_was_left() {
  const room = new Room("r", new Held(), AUDIENCE, TIMING);
  const sent = outcome(room.send({ text: "hello" }));
  room.leave();
  same(await sent, "not_joined");
}

export async function what_one_alone_is_shown_has_no_place_of_its_own() {
  const shown = [];
  const room = new Room("r", new Held(), { ...AUDIENCE, shown: (placed) => shown.push(...placed) }, TIMING, { random: () => 1 });
  await room.enter();
  room.take({ t: "aside", room: "r", at: 7, items: [{ k: "c", text: "psst" }] });
  room.take(batch(2));
  same(shown.map((one) => [one.position.seq, one.at, one.item.k]), [[1, 7, "c"], [2, 1, "gone"]]);
}
