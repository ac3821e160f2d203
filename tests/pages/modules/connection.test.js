import { Connection } from "/sdk/connection.js";
import { TIMING } from "/sdk/pace.js";
import { Refusal } from "/sdk/protocol.js";
import { holds, same } from "./assert.js";

/** Stands in for the browser's: says what a test wants. */
class Socket {
  static OPEN = 1;
  readyState = Socket.OPEN;
  /** @type {Record<string, any>[]} */
  said = [];
  messages = 0;
  onopen = () => {};
  onmessage = (/** @type {{data: string | ArrayBuffer}} */ _event) => {};
  onclose = (/** @type {{code: number, reason: string}} */ _event) => {};

  send(message) {
    this.messages += 1;
    this.said.push(...message.split("\n").map((line) => JSON.parse(line)));
  }

  close() {}

  answer(fields) {
    this.onmessage({ data: JSON.stringify({ t: "ok", id: this.said.at(-1)?.id, ...fields }) });
  }
}

/** Run `act` with a connection over such sockets; `states` are those it was in, `delivered` what came. */
async function connected(act, opened = (/** @type {Connection} */ _connection) => {}, hello = {}) {
  const native = globalThis.WebSocket;
  const sockets = [];
  const states = [];
  globalThis.WebSocket = Object.assign(
    function make() {
      sockets.push(new Socket());
      return sockets.at(-1);
    },
    { OPEN: Socket.OPEN },
  );
  const delivered = [];
  const listener = {
    changed: (state) => states.push(state),
    opened: () => opened(connection),
    greeted() {},
    delivered: (frame) => delivered.push(frame),
    lost() {},
  };
  const connection = new Connection("ws://here", () => ({ name: "ann", ...hello }), listener, TIMING);
  try {
    connection.connect();
    sockets[0].onopen();
    await act(connection, sockets, states, delivered);
  } finally {
    connection.close();
    globalThis.WebSocket = native;
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

export async function what_is_asked_once_it_is_open_goes_out_with_the_greeting() {
  const answers = [];
  const join = (connection) => answers.push(connection.ask({ t: "join", room: "r" }));
  await connected(async (connection, [socket]) => {
    same([socket.said.map((frame) => frame.t), socket.messages], [["hello", "join"], 1]);
    holds(connection.isOpen && !connection.isLive, "not greeted yet");
    const answer = (/** @type {number} */ at) => ({ t: "ok", id: socket.said[at].id });
    socket.onmessage({ data: `${JSON.stringify(answer(0))}\n${JSON.stringify({ ...answer(1), viewers: 7 })}` });
    same((await answers[0]).viewers, 7);
    holds(connection.isLive, "it was greeted, before that");
    const ping = connection.ask({ t: "ping" });
    same(socket.messages, 2);
    socket.answer({});
    await ping;
  }, join);
}

export async function what_would_make_the_greeting_too_large_goes_out_behind_it() {
  const answers = [];
  const send = (connection) => answers.push(refused(connection.ask({ t: "send", room: "r", text: "x".repeat(1000), cid: "c" })));
  await connected(async (_connection, [socket]) => {
    same([socket.said.map((frame) => frame.t), socket.messages], [["hello", "send"], 2]);
  }, send);
  await answers[0];
}

export async function where_there_is_no_greeting_nothing_goes_out_along_with_it() {
  const opened = [];
  await connected(async (connection, [socket]) => {
    same([opened.length, socket.messages, connection.isLive], [0, 0, false]);
  }, (connection) => opened.push(connection), { token: "x".repeat(20_000) });
}

export async function what_is_larger_than_the_service_takes_is_not_said() {
  await connected(async (connection, [socket]) => {
    socket.answer({ frame_bytes: 2048 });
    await Promise.resolve();
    await Promise.resolve();
    holds(connection.isLive, "it was greeted");
    const before = socket.said.length;
    same(await refused(connection.ask({ t: "send", room: "r", text: "弹".repeat(700), cid: "c" })), "too_large");
    same(socket.said.length, before);
    const fits = connection.ask({ t: "send", room: "r", text: "弹".repeat(600), cid: "c" });
    socket.answer({ shown: true });
    same((await fits).shown, true);
  });
}

export async function a_service_that_does_not_tell_takes_16_kib() {
  await connected(async (connection, [socket]) => {
    socket.answer({});
    same(await refused(connection.ask({ t: "send", room: "r", text: "x".repeat(16 * 1024), cid: "c" })), "too_large");
    const fits = connection.ask({ t: "send", room: "r", text: "x".repeat(16 * 1000), cid: "c" });
    socket.answer({ shown: true });
    same((await fits).shown, true);
  });
}

export async function who_was_replaced_stays_away_and_knows_why() {
  await connected(async (connection, sockets, states) => {
    sockets[0].answer({});
    sockets[0].onclose({ code: 4409, reason: "" });
    same(states.at(-1), {
      phase: "refused",
      name: "replaced",
      reason: "replaced by a newer connection of this device",
    });
    connection.hurry();
    same(sockets.length, 1);
  });
}

/** @param {() => boolean} condition */
async function until(condition) {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error("it does not come to pass");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export async function who_hears_something_need_not_ask_for_a_sign_of_life() {
  await connected(async (_connection, [socket]) => {
    const pings = () => socket.said.filter((frame) => frame.t === "ping").length;
    socket.answer({ heartbeat_ms: 40 });
    const talking = setInterval(() => socket.onmessage({ data: '{"t":"stats","room":"r","epoch":1,"seq":1,"viewers":1,"likes":0}' }), 1);
    const begin = performance.now();
    await until(() => performance.now() - begin > 400);
    clearInterval(talking);
    same(pings(), 0);
    await until(() => pings() === 1);
  });
}

export async function whose_answer_does_not_come_doubts_the_connection_until_anything_is_heard() {
  await connected(async (connection, [socket], states) => {
    const pings = () => socket.said.filter((frame) => frame.t === "ping").length;
    const ask = () => refused(connection.ask({ t: "like", room: "r", n: 1 }, 20));
    socket.answer({ heartbeat_ms: 60_000 });
    await until(() => connection.isLive);
    const late = ask();
    socket.onmessage({ data: stats(1) }); // the network may be gone since
    same([await late, await ask(), pings()], ["timeout", "timeout", 1]);
    same([states.at(-1)?.phase, connection.isLive, connection.isComing], ["doubted", true, true]);
    socket.onmessage({ data: stats(1) });
    same([states.at(-1)?.phase, connection.isComing], ["live", false]);
    same([await ask(), pings()], ["timeout", 2]);
    same(states.map(({ phase }) => phase), ["connecting", "live", "doubted", "live", "doubted"]);
  });
}

/** @param {string} text */
async function deflated(text) {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("deflate"));
  return await new Response(stream).arrayBuffer();
}

/** @param {number} viewers */
const stats = (viewers) => `{"t":"stats","room":"r","epoch":1,"seq":1,"viewers":${viewers},"likes":0}`;

export async function what_is_compressed_is_read_in_its_turn() {
  await connected(async (connection, [socket], _states, delivered) => {
    holds(socket.said[0].deflate, "it asks for it");
    socket.answer({ deflate: true });
    await until(() => connection.isLive);
    const packed = [await deflated(`${stats(2)}\n${stats(3)}`), await deflated(stats(5))];
    socket.onmessage({ data: stats(1) });
    socket.onmessage({ data: packed[0] });
    socket.onmessage({ data: stats(4) });
    socket.onmessage({ data: packed[1] });
    socket.onmessage({ data: stats(6) });
    await until(() => delivered.length === 6);
    same(delivered.map((frame) => frame.viewers), [1, 2, 3, 4, 5, 6]);
    socket.onmessage({ data: stats(7) });
    same(delivered.length, 7);
  });
}

export async function what_cannot_be_inflated_ends_the_connection() {
  await connected(async (_connection, [socket], states) => {
    socket.answer({});
    socket.onmessage({ data: new Uint8Array([0x78, 1, 2, 3]).buffer });
    await until(() => states.at(-1)?.phase === "waiting");
    holds(states.at(-1).reason.includes("inflated"), states.at(-1).reason);
  });
}

export async function a_refusal_is_final_once_who_is_told_has_decided() {
  /** @type {(() => void)[]} */
  const decide = [];
  const changed = ({ phase }) => (phase === "refused" ? new Promise((resolve) => decide.push(resolve)) : undefined);
  const connection = new Connection("ws://here", () => ({}), { changed, delivered() {}, lost() {} }, TIMING);
  const waits = refused(connection.linked(new AbortController().signal));
  connection.give(new Refusal("unauthorized", "the token has expired"));
  holds(connection.isComing, "there may be another token");
  decide[0]();
  same(await waits, "unauthorized");
  holds(!connection.isComing, "there was none");
}

export async function where_no_socket_ever_opened_it_is_asked_whether_http_gets_through() {
  const [nativeSocket, nativeFetch] = [globalThis.WebSocket, globalThis.fetch];
  const sockets = [];
  const states = [];
  const asked = [];
  let now = 1000;
  let answers = true;
  globalThis.WebSocket = /** @type {any} */ (function make() {
    sockets.push(new Socket());
    return sockets.at(-1);
  });
  globalThis.fetch = async (url) => {
    asked.push(url);
    if (!answers) throw new TypeError("nobody there");
    return new Response('{"error": {"error": "upgrade_required", "message": "a plain request"}}', { status: 426 });
  };
  const listener = { changed: (state) => states.push(state), delivered() {}, lost() {} };
  const connection = new Connection("ws://here/v1/ws", () => ({}), listener, TIMING, { now: () => now });
  const fail = () => {
    connection.connect();
    sockets.at(-1).onclose({ code: 1006, reason: "" });
    return states.at(-1).name;
  };
  try {
    same([fail(), fail(), asked], ["unavailable", "unavailable", []]);
    same(fail(), "unavailable");
    await until(() => fail() === "upgrade_required");
    same(asked, ["http://here/v1/ws"]);
    answers = false;
    now += 60_000;
    same(fail(), "upgrade_required");
    await until(() => fail() === "unavailable");
    same(asked.length, 2);
    answers = true;
    now += 60_000;
    await until(() => fail() === "upgrade_required");
    connection.connect();
    sockets.at(-1).onopen();
    sockets.at(-1).onclose({ code: 1006, reason: "" });
    same([fail(), fail(), fail(), fail()], Array(4).fill("unavailable"));
  } finally {
    connection.close();
    Object.assign(globalThis, { WebSocket: nativeSocket, fetch: nativeFetch });
  }
}
