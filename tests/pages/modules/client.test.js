import { Client, Refusal, takesBack } from "/sdk/index.js";
import { holds, same } from "./assert.js";

const QUICK = { firstRetry: 1, mostRetry: 5, pullJitter: 1, answer: 2000 };
const comment = (text, uid = "bob") => ({ k: "c", uid, name: uid, text });
const batch = (seq, ...items) => ({ t: "batch", room: "demo", epoch: 5, seq, at: 7, items });

/** Stands in for the browser's and for the service: answers what it was told to. */
class Socket {
  /** @type {Socket[]} */
  static all = [];
  /** What is answered to each kind of frame. @type {Record<string, (frame: any) => object>} */
  static answers = {};
  readyState = 1;
  said = [];
  onmessage = (/** @type {any} */ _event) => {};
  onclose = (/** @type {any} */ _event) => {};

  constructor(url, protocols) {
    Object.assign(this, { url, protocols });
    Socket.all.push(this);
    queueMicrotask(() => this.onopen?.());
  }

  send(message) {
    for (const frame of message.split("\n").map((line) => JSON.parse(line))) {
      this.said.push(frame);
      const answer = Socket.answers[frame.t]?.(frame);
      if (answer) queueMicrotask(() => this.say({ t: "ok", id: frame.id, ...answer }));
    }
  }

  say(...frames) {
    this.onmessage?.({ data: frames.map((frame) => JSON.stringify(frame)).join("\n") });
  }

  close() {
    this.readyState = 3;
  }

  kinds() {
    return this.said.map((frame) => frame.t);
  }
}

const HELLO = () => ({ uid: "u1", name: "ann", role: "viewer", session: "s", heartbeat_ms: 25_000, server_time: 1234 });

/** @param {object} options @param {(client: Client) => Promise<void>} act @param {Record<string, (frame: any) => object>} answers */
async function talking(options, act, answers = {}) {
  Socket.all = [];
  Socket.answers = {
    hello: HELLO,
    join: () => ({ room: "demo", epoch: 5, seq: 1, viewers: 3, likes: 4, settings: { slow_s: 2 }, history: [batch(1, comment("old"))], complete: true }),
    leave: () => ({}),
    ...answers,
  };
  const client = new Client("https://live.example", { WebSocket: /** @type {any} */ (Socket), timing: QUICK, ...options });
  try {
    await act(client);
  } finally {
    client.close();
  }
}

/** @param {() => unknown} done */
async function until(done) {
  for (let turn = 0; !done(); turn += 1) {
    holds(turn < 2000, `it does not come: ${done}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** @param {Promise<unknown>} asked */
async function refused(asked) {
  try {
    await asked;
  } catch (error) {
    return error.name;
  }
  return "nothing";
}

export async function it_connects_joins_and_shows_everything_once_and_in_order() {
  await talking({ token: "t0", name: "ann" }, async (client) => {
    same(await client.connect() === client, true);
    same([client.uid, client.role, client.state.phase], ["u1", "viewer", "live"]);
    const [socket] = Socket.all;
    same([socket.url, socket.protocols], ["wss://live.example/v1/ws", ["danmaku.v1.json"]]);
    holds(socket.said[0].token === "t0" && socket.said[0].n > 0 && socket.said[0].device, "it says who it is");
    const room = await client.join("demo");
    same([room.settings, room.stats?.viewers, room.stats?.likes], [{ slow_s: 2 }, 3, 4]);
    socket.say(batch(2, comment("new"), { k: "gift", uid: "u", name: "n", gift: "rose", amount: 5, currency: "EUR" }), batch(2, comment("new")));
    const found = [];
    for await (const item of room) {
      found.push(item.kind === "comment" ? item.text : item.kind === "gift" ? item.amount : item.kind);
      if (found.length === 4) break;
    }
    same(found, ["stats", "old", "new", 5]);
    same(room.position, { epoch: 5, seq: 3 });
    same(await refused(client.join("demo")), "conflict");
    room.leave();
    for await (const item of room) holds(false, `nothing comes any more: ${item.kind}`);
    same(socket.kinds().at(-1), "leave");
  });
}

export async function callbacks_hear_what_was_shown_before_them_and_why_it_ends() {
  await talking({}, async (client) => {
    const heard = [];
    client.on("notice", (notice) => heard.push(notice.notice));
    await client.connect();
    const room = await client.join("demo");
    room.on("comment", (item) => heard.push(item.text));
    room.on("end", (refusal) => heard.push(refusal?.name));
    const no_longer = room.on("item", () => heard.push("!"));
    no_longer();
    await until(() => heard.length === 1);
    Socket.all[0].say(batch(2, comment("two")), { t: "notice", kind: "kicked", room: "demo", reason: "enough" });
    await until(() => heard.length === 4);
    same(heard.toSorted(), ["forbidden", "kicked", "old", "two"]);
    same(await refused(room.send("hello")), "forbidden");
    const other = await client.join("demo");
    Socket.all[0].say({ t: "notice", kind: "banned", room: "demo", retry_ms: 9000 });
    const ends = new Promise((tell) => other.on("end", tell));
    const { name, retryMs, retryable } = await ends;
    same([name, retryMs, retryable], ["banned", 9000, false]);
  });
}

export async function after_a_lost_connection_it_asks_a_fresh_token_and_goes_on_where_it_stood() {
  let tokens = 0;
  await talking({ token: async () => `t${(tokens += 1)}` }, async (client) => {
    await client.connect();
    const room = await client.join("demo");
    const phases = [];
    client.on("connection", (state) => phases.push(state.phase));
    Socket.all[0].onclose({ code: 1006, reason: "" });
    await until(() => Socket.all.length === 2 && Socket.all[1].kinds().includes("join"));
    const [hello, join] = Socket.all[1].said;
    same([hello.token, join.since], ["t2", { epoch: 5, seq: 1 }]);
    holds(hello.n > Socket.all[0].said[0].n, "the newer connection says so");
    same(hello.device, Socket.all[0].said[0].device);
    await until(() => phases.at(-1) === "live");
    same(phases, ["waiting", "connecting", "live"]);
    same(room.missed, 0);
  });
}

export async function where_there_is_no_token_it_tries_again_and_where_there_will_be_none_it_is_over() {
  let asked = 0;
  const token = () => {
    asked += 1;
    if (asked === 2) throw new Error("the site is away");
    if (asked === 4) throw new Refusal("unauthorized", "logged out");
    return `t${asked}`;
  };
  await talking({ token }, async (client) => {
    await client.connect();
    Socket.all[0].onclose({ code: 1006, reason: "" });
    await until(() => Socket.all[1]?.said.length > 0);
    same(Socket.all[1].said[0].token, "t3");
    await until(() => client.state.phase === "live");
    Socket.all[1].onclose({ code: 1006, reason: "" });
    await until(() => client.state.phase === "refused");
    same([await refused(client.ping()), Socket.all.length], ["unauthorized", 2]);
  });
}

/** A client whose token is refused, once it was in a room; `renew` answers the one question that is asked then. */
async function expiring(act) {
  let renew = (/** @type {boolean | Promise<boolean>} */ _isRenewed) => {};
  const asked = [];
  const renewed = (why) => {
    asked.push(why);
    return new Promise((resolve) => (renew = resolve));
  };
  await talking({ token: () => `t${asked.length}`, renewed }, async (client) => {
    await client.connect();
    const room = await client.join("demo");
    Socket.all[0].onclose({ code: 4401, reason: "expired" });
    same([client.state.phase, asked], ["refused", ["expired"]]);
    await act(client, room, (isRenewed) => renew(isRenewed));
  }, { send: () => ({ shown: true, epoch: 5, seq: 2, at: 7 }) });
}

export async function where_there_is_another_token_it_goes_on_and_what_waits_goes_out() {
  await expiring(async (client, room, renew) => {
    const sent = room.send("hello");
    renew(true);
    same((await sent).position, { epoch: 5, seq: 2 });
    same([Socket.all.length, Socket.all[1].said[0].token, client.state.phase], [2, "t1", "live"]);
  });
}

export async function whoever_knows_at_once_whether_there_is_another_token_says_so() {
  for (const [renewed, phase] of [[() => true, "live"], [() => { throw new Error("no"); }, "refused"]]) {
    await talking({ token: () => "t", renewed }, async (client) => {
      await client.connect();
      await client.join("demo");
      const told = new Promise((resolve) => client.on("connection", (state) => state.phase === phase && resolve(state)));
      Socket.all[0].onclose({ code: 4401, reason: "expired" });
      await told;
      await new Promise((resolve) => setTimeout(resolve));
      const joined = await client.join("other").then(() => "joined", ({ name }) => name);
      same(joined, phase === "live" ? "joined" : "unauthorized");
    });
  }
}

export async function where_another_token_is_refused_as_well_before_it_was_taken_it_is_over() {
  await expiring(async (_client, room, renew) => {
    renew(true);
    await room.send("taken");
    Socket.all[1].onclose({ code: 4401, reason: "expired again" });
    Socket.answers.hello = () => undefined;
    renew(true);
    const ended = new Promise((resolve) => room.on("end", resolve));
    while (Socket.all.length < 3) await new Promise((resolve) => setTimeout(resolve));
    Socket.all[2].onclose({ code: 4401, reason: "never taken" });
    renew(true);
    same([(await ended).name, Socket.all.length], ["unauthorized", 3]);
  });
}

export async function where_there_is_none_or_nobody_knows_it_is_over() {
  for (const answer of [() => false, () => Promise.reject(new Error("the site is away"))]) {
    await expiring(async (client, room, renew) => {
      const sent = refused(room.send("hello"));
      const ended = new Promise((resolve) => room.on("end", resolve));
      renew(answer());
      same([await sent, (await ended).name, await refused(client.ping())], ["unauthorized", "unauthorized", "unauthorized"]);
      same(Socket.all.length, 1);
    });
  }
}

export async function who_closed_it_meanwhile_is_not_connected_again() {
  await expiring(async (client, _room, renew) => {
    client.close();
    renew(true);
    await new Promise((resolve) => setTimeout(resolve));
    same([client.state.phase, Socket.all.length], ["ended", 1]);
  });
}

export async function a_gap_is_pulled() {
  await talking({}, async (client) => {
    await client.connect();
    const room = await client.join("demo");
    Socket.all[0].say(batch(4, comment("four")));
    const texts = [];
    for await (const item of room) {
      if (item.kind === "comment") texts.push(item.text);
      if (texts.length === 4) break;
    }
    same(texts, ["old", "two", "three", "four"]);
  }, { history: () => ({ room: "demo", epoch: 5, seq: 4, history: [batch(2, comment("two")), batch(3, comment("three"))], complete: true }) });
}

export async function what_it_asks_is_answered() {
  const answers = {
    send: () => ({ shown: true, epoch: 5, seq: 2, at: 9 }),
    like: () => ({}), vote: () => ({}), ping: () => ({ server_time: 77 }),
    history: () => ({ room: "demo", epoch: 5, seq: 1, history: [batch(1, comment("old"))], complete: false }),
  };
  await talking({}, async (client) => {
    await client.connect();
    const room = await client.join("demo", { history: false });
    same(await room.send("hi", { color: 1, cid: "c1" }), { shown: true, position: { epoch: 5, seq: 2 }, at: 9, delayMs: null });
    await room.like(3);
    await room.vote("p1", 1);
    same(await client.ping(), 77);
    const { items, isComplete } = await room.history({ limit: 5 });
    same([items.map((item) => [item.kind, item.position.seq, item.at]), isComplete], [[["comment", 1, 7]], false]);
    const said = Socket.all[0].said.slice(-5).map(({ id, ...frame }) => frame);
    same(said, [
      { t: "send", room: "demo", text: "hi", color: 1, cid: "c1" }, { t: "like", room: "demo", n: 3 },
      { t: "vote", room: "demo", poll: "p1", option: 1 }, { t: "ping" },
      { t: "history", room: "demo", since: { epoch: 0, seq: 0 }, limit: 5 },
    ]);
  }, answers);
}

export async function a_comment_whose_answer_was_lost_is_sent_again_under_the_same_cid() {
  let isDeaf = true;
  await talking({}, async (client) => {
    await client.connect();
    const room = await client.join("demo");
    const sent = room.send("hello");
    await until(() => Socket.all[0].kinds().includes("send"));
    isDeaf = false;
    Socket.all[0].onclose({ code: 4000, reason: "" });
    same((await sent).shown, true);
    const cids = Socket.all.flatMap((socket) => socket.said).filter((frame) => frame.t === "send").map((frame) => frame.cid);
    same([cids.length, new Set(cids).size], [2, 1]);
  }, { send: () => (isDeaf ? undefined : { shown: true }) });
}

export async function who_nobody_answers_is_told_so_and_who_is_patient_waits() {
  class Dead extends Socket {
    constructor(url, protocols) {
      super(url, protocols);
      setTimeout(() => this.onclose?.({ code: 1006, reason: "" }), 1);
    }

    send() {}
  }
  await talking({ WebSocket: Dead }, async (client) => {
    same(await refused(client.connect()), "unavailable");
    same(await refused(client.connect()), "unavailable");
  });
  await talking({ WebSocket: Dead }, async (client) => {
    void client.connect({ isPatient: true }).catch(() => {});
    await until(() => Socket.all.length > 2);
    same(client.state.phase === "refused", false);
  });
}

export async function what_the_service_does_not_want_is_over_for_good() {
  await talking({}, async (client) => {
    await client.connect();
    const room = await client.join("demo");
    Socket.all[0].onclose({ code: 4403, reason: "" });
    let name = "";
    try {
      for await (const item of room) void item;
    } catch (refusal) {
      name = refusal.name;
    }
    same([name, await refused(room.like()), await refused(client.join("other")), client.state.phase], ["banned", "banned", "banned", "refused"]);
    for await (const event of client.events()) holds(false, event.kind);
  });
}

export async function a_reader_that_is_too_slow_loses_the_oldest_and_knows_how_many() {
  await talking({}, async (client) => {
    await client.connect();
    const room = await client.join("demo", { history: false, buffer: 10 });
    for (let seq = 2; seq <= 31; seq += 1) Socket.all[0].say(batch(seq, comment(`${seq}`)));
    same(room.missed, 20);
    const texts = [];
    for await (const item of room) {
      if (item.kind === "comment") texts.push(item.text);
      if (texts.length === 10) break;
    }
    same([texts[0], texts[9]], ["22", "31"]);
  });
}

export async function polls_and_pins_are_known_and_counted() {
  const view = { title: "Friday", poll: { id: "p1", question: "Who?", options: ["a", "b"], counts: [1, 2] }, pinned: [{ epoch: 4, seq: 9, at: 3, item: { k: "announce", text: "hi" } }] };
  await talking({}, async (client) => {
    await client.connect();
    const room = await client.join("demo");
    same(room.title, "Friday");
    same([room.poll?.counts, room.pinned.map((one) => [one.kind, one.position.seq])], [[1, 2], [["announce", 9]]]);
    Socket.all[0].say({ t: "stats", room: "demo", epoch: 5, seq: 1, viewers: 9, likes: 0, poll: "p1", counts: [5, 6] });
    same([room.poll?.counts, room.stats?.viewers], [[5, 6], 9]);
    Socket.all[0].say(batch(2, { k: "poll_closed", id: "p1", counts: [7, 7] }));
    same(room.poll, null);
    Socket.all[0].say(batch(3, { k: "title", title: "Saturday" }));
    same(room.title, "Saturday");
  }, { join: () => ({ room: "demo", epoch: 5, seq: 1, history: [], complete: true, settings: {}, ...view }) });
}

export async function a_recall_says_what_to_hide() {
  await talking({}, async (client) => {
    await client.connect();
    const room = await client.join("demo");
    Socket.all[0].say(batch(2, comment("bad", "cat"), { k: "recall", role: "moderator", uid: "cat" }));
    const items = [];
    for await (const item of room) if (items.push(item) === 4) break;
    const recall = items.at(-1);
    same(items.slice(1, 3).map((item) => takesBack(recall, item)), [false, true]);
  });
}

/** Messages of a service that has one conversation. */
export async function messages_begin_with_what_is_unread_and_go_on() {
  const message = (seq) => ({ t: "chat", conv: "p:ann:bob", seq, from: "bob", at: seq, kind: "message", cid: `c${seq}`, body: [{ type: "text", text: `m${seq}` }] });
  let stored = 3;
  const answers = {
    "chat.sync": () => ({ convs: [{ conv: "p:ann:bob", last_seq: stored, read_seq: 1, unread: 2, last: message(stored) }] }),
    "chat.pull": ({ convs }) => ({ results: convs.map(({ conv, after }) => ({
      conv, messages: Array.from({ length: stored - after }, (_, index) => message(after + 1 + index)), last_seq: stored,
    })) }),
    "chat.send": () => ({ conv: "p:ann:bob", seq: (stored += 1), at: 1 }),
    "chat.read": ({ seq }) => ({ read_seq: seq }),
  };
  await talking({ chat: true, token: "t" }, async (client) => {
    await client.connect();
    const stream = client.chat.messages({ buffer: 2 });
    const texts = [];
    for await (const one of stream) if (texts.push(one.text) === 2) break;
    same(texts, ["m2", "m3"]);
    same((await client.chat.send("bob", "hello")).seq, 4);
    stored = 8;
    Socket.all[0].say(message(4), message(5), message(6), { t: "head", heads: { "p:ann:bob": 8 } });
    for await (const one of stream) if (texts.push(one.text) === 7) break;
    same([texts.slice(2), stream.positions, stream.missed], [["m4", "m5", "m6", "m7", "m8"], { "p:ann:bob": 8 }, 0]);
    const [one] = await client.chat.sync();
    same([one.unread, one.last?.text, one.otherReadSeq, await client.chat.read(one.conv, 8)], [2, "m8", 0, 8]);
    const later = client.chat.messages({ since: stream.positions });
    stored = 9;
    Socket.all[0].say(message(9));
    for await (const next of later) {
      same(next.seq, 9);
      break;
    }
    client.close();
    const rest = [];
    for await (const next of stream) rest.push(next.seq);
    same(rest, [9]);
  }, answers);
}

export async function of_several_addresses_another_is_taken_when_one_is_lost() {
  Socket.all = [];
  Socket.answers = { hello: HELLO };
  const options = { WebSocket: /** @type {any} */ (Socket), timing: QUICK };
  const client = new Client(["https://one.example", "https://two.example"], options);
  try {
    const connecting = client.connect();
    Socket.all[0].onclose({ code: 1006, reason: "" });
    await connecting;
    Socket.all[1].onclose({ code: 4000, reason: "" });
    while (Socket.all.length < 3) await new Promise((wake) => setTimeout(wake, 1));
    same(Socket.all.map(({ url }) => url), ["one", "two", "one"].map((name) => `wss://${name}.example/v1/ws`));
  } finally {
    client.close();
  }
}

export async function who_doubts_the_connection_asks_at_once_for_a_sign_of_life() {
  await talking({}, async (client) => {
    await client.connect();
    client.doubt();
    same(Socket.all[0].kinds(), ["hello", "ping"]);
  });
}
