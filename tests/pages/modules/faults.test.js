import { Client } from "/sdk/index.js";
import { dice, holds, same } from "./assert.js";

const QUICK = { firstRetry: 1, mostRetry: 4, pullJitter: 2, connect: 500, answer: 20_000 };
const CONV = "g:team";
const STEPS = 60;

/** A service that keeps what it acknowledged, over a network that loses everything else. */
class World {
  /** What the room showed. @type {Record<string, any>[]} */
  batches = [];
  /** What was said in the conversation. @type {Record<string, any>[]} */
  messages = [];
  /** Once each: what was answered to a cid. */
  answers = new Map();
  isBad = true;
  isSilent = false;
  /** @type {any[]} */
  sockets = [];
  #epoch = 5;

  /** @param {() => number} random */
  constructor(random) {
    this.random = random;
    const world = this;
    this.Socket = class {
      readyState = 0;
      hears = new Set();

      constructor() {
        world.sockets.push(this);
        world.later(() => {
          if (world.chance(0.3)) return this.break();
          this.readyState = 1;
          this.onopen?.();
        });
      }

      send(message) {
        if (world.chance(0.03)) return this.break(); // it never arrived
        world.later(() => {
          // Answered as it is sent: on one socket nothing that is told later comes before an answer.
          const frames = message.split("\n").map((line) => JSON.parse(line));
          const answers = frames.map((frame) => ({ id: frame.id, ...world.answer(this, frame) }));
          if (world.chance(0.03)) return this.break(); // its answer never will
          answers.forEach((answer) => this.say(answer));
        });
      }

      say(frame) {
        if (this.readyState === 1) this.onmessage?.({ data: JSON.stringify(frame) });
      }

      break(code = 1006) {
        if (this.readyState === 3) return;
        this.readyState = 3;
        world.later(() => this.onclose?.({ code, reason: "" }));
      }

      close() {
        this.readyState = 3;
      }
    };
  }

  chance(of) {
    return this.isBad && this.random() < of;
  }

  later(act) {
    setTimeout(act, this.isBad ? Math.floor(this.random() * 4) : 0);
  }

  get head() {
    const last = this.batches.at(-1);
    return last ? { epoch: last.epoch, seq: last.seq + last.items.length - 1 } : { epoch: 0, seq: 0 };
  }

  /** A new owner now and then. */
  show(...texts) {
    const head = this.head;
    const isNew = head.epoch === 0 || this.chance(0.1);
    if (isNew) this.#epoch += 1;
    const place = isNew ? { epoch: this.#epoch, seq: 1, prev: head } : { epoch: head.epoch, seq: head.seq + 1 };
    const items = texts.map((text) => ({ k: "c", uid: "u", name: "n", text }));
    const batch = { t: "batch", room: "demo", at: 1, items, ...place };
    this.batches.push(batch);
    this.tell("demo", batch);
    return { epoch: batch.epoch, seq: batch.seq };
  }

  utter(from, cid, text) {
    const message = { t: "chat", conv: CONV, seq: this.messages.length + 1, from, at: 1, kind: "message", cid, body: [{ type: "text", text }] };
    this.messages.push(message);
    this.tell("chat", message);
    return message.seq;
  }

  /** To whom it concerns; lost, doubled and late as it may be. */
  tell(whom, frame) {
    for (const socket of this.isSilent ? [] : this.sockets) {
      if (!socket.hears.has(whom) || this.chance(0.3)) continue;
      this.later(() => socket.say(frame));
      if (this.chance(0.1)) this.later(() => socket.say(frame));
    }
  }

  remind() {
    this.tell("demo", { t: "stats", room: "demo", ...this.head, viewers: 1, likes: 0 });
    this.tell("chat", { t: "head", heads: { [CONV]: this.messages.length } });
  }

  answer(socket, frame) {
    if (this.chance(0.05) && frame.t !== "hello") {
      return { t: "err", code: 5030, error: "unavailable", message: "not now", retry_ms: 1 };
    }
    const isAfter = ({ epoch, seq }) => (batch) => batch.epoch > epoch || (batch.epoch === epoch && batch.seq + batch.items.length - 1 > seq);
    switch (frame.t) {
      case "hello":
        if (frame.chat) socket.hears.add("chat");
        return { t: "ok", uid: "ann", heartbeat_ms: 25_000, server_time: 1 };
      case "join":
      case "history": {
        socket.hears.add("demo");
        const after = this.batches.filter(isAfter(frame.since ?? this.head));
        const history = after.slice(0, this.isBad ? 4 : 100);
        return { t: "ok", room: "demo", ...this.head, settings: {}, history, complete: history.length === after.length };
      }
      case "send":
        return this.once(frame.cid, () => ({ t: "ok", shown: true, at: 1, ...this.show(frame.text) }));
      case "chat.send":
        return this.once(frame.cid, () => ({ t: "ok", conv: CONV, at: 1, seq: this.utter("ann", frame.cid, frame.body[0].text) }));
      case "chat.sync": {
        const known = this.messages.length > 0 ? [{ conv: CONV, last_seq: this.messages.length, read_seq: 0, unread: 0, last: this.messages.at(-1) }] : [];
        return { t: "ok", convs: known };
      }
      case "chat.pull": {
        const [{ after }] = frame.convs;
        const messages = this.messages.slice(after, after + 5);
        return { t: "ok", results: [{ conv: CONV, messages, last_seq: this.messages.length, more: after + 5 < this.messages.length }] };
      }
      default:
        return { t: "ok" };
    }
  }

  once(cid, act) {
    if (!this.answers.has(cid)) this.answers.set(cid, act());
    return this.answers.get(cid);
  }
}

/** @param {() => boolean} done @param {() => void} [meanwhile] */
async function until(done, meanwhile = () => {}) {
  for (let turn = 0; !done(); turn += 1) {
    holds(turn < 3000, `it does not come: ${done}`);
    meanwhile();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** @param {number} seed */
async function talk(seed) {
  const random = dice(seed);
  const world = new World(random);
  const options = { WebSocket: /** @type {any} */ (world.Socket), timing: QUICK, chat: true, token: "t" };
  const client = await new Client("ws://127.0.0.1:1", options).connect({ isPatient: true });
  const shown = [];
  const heard = [];
  const room = await client.join("demo");
  room.on("comment", (item) => shown.push(item.text));
  const messages = client.chat.messages({ since: {}, buffer: 7 });
  messages.on("message", (one) => heard.push(one.seq));
  const sent = [];
  for (let step = 0; step < STEPS; step += 1) {
    const dice = random();
    if (dice < 0.4) world.show(`theirs ${step}`, `more ${step}`);
    else if (dice < 0.55) sent.push(room.send(`mine ${step}`));
    else if (dice < 0.7) sent.push(client.chat.send(CONV, `mine ${step}`));
    else if (dice < 0.85) world.utter("bob", `b${step}`, "theirs");
    else if (dice < 0.9) world.remind();
    else if (dice < 0.95) world.sockets.at(-1).break(4000 + Math.floor(random() * 110));
    else world.tell("demo", { t: "notice", kind: "resync", room: "demo" });
    await new Promise((resolve) => setTimeout(resolve, Math.floor(random() * 3)));
  }
  world.isBad = false;
  const answers = await Promise.all(sent);
  holds(answers.every((answer) => answer.shown !== false), `seed ${seed}: all was acknowledged`);
  await until(() => client.state.phase === "live");
  world.isSilent = true; // the last of each gets lost, and only a head tells of it
  world.show("the last");
  world.utter("bob", "last", "the last");
  world.isSilent = false;
  const truth = world.batches.flatMap((batch) => batch.items.map((item) => item.text));
  await until(() => shown.length >= truth.length && heard.length >= world.messages.length, () => world.remind());
  client.close();
  same(shown, truth, `seed ${seed}`);
  same(heard, world.messages.map((one) => one.seq), `seed ${seed}`);
  same([room.missed, room.skipped, messages.missed], [0, 0, 0], `seed ${seed}`);
  const mine = truth.concat(world.messages.map((one) => one.body[0].text)).filter((text) => text.startsWith("mine"));
  same([mine.length, new Set(mine).size], [sent.length, sent.length], `seed ${seed}: once each`);
}

export async function everything_comes_once_and_in_order_whatever_the_network_loses() {
  const { fetch } = globalThis;
  globalThis.fetch = () => Promise.reject(new TypeError("this world has no HTTP"));
  try {
    await Promise.all(Array.from({ length: 25 }, (_, seed) => talk(seed + 1)));
  } finally {
    globalThis.fetch = fetch;
  }
}
