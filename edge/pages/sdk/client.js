/**
 * The rooms and conversations of one user, over one connection that comes back by itself.
 *
 * @typedef {import("./calls.js").Token} Token
 * @typedef {import("./codec.js").Codec} Codec
 * @typedef {import("./connection.js").State} State
 * @typedef {import("./protocol.js").Position} Position
 * @typedef {import("./protocol.js").ServerFrame} ServerFrame
 * @typedef {{kind: "connection"} & State} ConnectionChange
 * @typedef {object} Notice something the service tells this connection
 * @property {"notice"} kind @property {string} notice `kicked`, `banned`, `muted`, `unmuted`, `approved`, `denied`, …
 * @property {string | null} room @property {string} reason @property {number | null} retryMs
 * @property {string} text of one's own comment, which was approved or denied
 * @typedef {{kind: "read", conv: string, uid: string, seq: number}} ReadBy `uid` has read a private conversation up to `seq`
 * @typedef {{kind: "typing", conv: string, uid: string}} TypingBy forget it after some seconds
 * @typedef {ConnectionChange | Notice | ReadBy | TypingBy} Happening
 * @typedef {object} Options
 * @property {Token} [token] who you are, or a function that gives a fresh token for each connection; null: a guest
 * @property {(why: string) => boolean | Promise<boolean>} [renewed] told that the token is not taken any more; whether there is another
 *   one now, to go on with
 * @property {string} [device] a secret of this device's own: a guest with the same one keeps its uid, and of a logged-in
 *   user's clients with the same one the newest replaces the others; left out, one is made up for this client
 * @property {boolean} [replaces] false: clients of one device stay side by side; not with `chat`
 * @property {string} [name] how a guest wants to be called
 * @property {boolean} [chat] whether to be told what is said in the user's conversations; needs a token
 * @property {boolean} [find] ask the service where to connect (`GET /v1/edges`), each time
 * @property {string} [region] where to connect first, with `find`
 * @property {boolean} [deflate] whether what rooms show may come compressed
 * @property {Codec} [codec] how frames are written: JSON unless it says otherwise
 * @property {new (url: string, protocols: string[]) => any} [WebSocket] where the platform has none, one like it
 * @property {Partial<import("./pace.js").Timing>} [timing]
 */

import { httpAddress, socketAddress } from "./address.js";
import { untilAnswered } from "./asking.js";
import { Calls } from "./calls.js";
import { Chat } from "./chat.js";
import { Connection } from "./connection.js";
import { Groups } from "./groups.js";
import { Inbox } from "./inbox.js";
import { JoinedRoom } from "./joined.js";
import { TIMING } from "./pace.js";
import { find, Places } from "./places.js";
import { isOfRoom, newId, Refusal } from "./protocol.js";
import { Room } from "./room.js";
import { Showing } from "./showing.js";

const EVENTS = 1000;

export class Client {
  /** Of who is connected, as the service said. */
  uid = "";
  name = "";
  role = "";
  session = "";
  #options;
  #token;
  #timing;
  #connection;
  #places;
  #failed = 0; // attempts before the first connection
  /** @type {Map<string, {room: Room, showing: Showing}>} */
  #rooms = new Map();
  /** @type {Set<Inbox<Happening>>} */
  #listeners = new Set();
  /** @type {Inbox<Happening> | null} */
  #heard = null;
  /** @type {State} */
  #state = { phase: "ended" };
  #n = 0;
  #hasBeenLive = false;
  /** Whether another token is asked for: once, until one was taken. */
  #mayRenew = true;
  #isPatient = false;
  #isOver = false;

  /**
   * @param {string | string[]} url where the service is; `https://host`, `host:8080` and `wss://host/v1/ws` all do. Of
   *   several the first one that takes this client, and another one after each connection that was lost
   * @param {Options} options
   */
  constructor(url, options = {}) {
    const { token = null, renewed, timing = {}, codec, chat = false, WebSocket } = options;
    if (WebSocket === undefined && globalThis.WebSocket === undefined) {
      throw new TypeError("there is no WebSocket here: give one, as new Client(url, { WebSocket })");
    }
    // Without one a guest would be somebody else after a reconnect, and a repeated comment a new one.
    this.#options = { ...options, device: options.device ?? newId() };
    this.#token = typeof token === "function" ? async () => token() : () => token ?? "";
    this.#timing = { ...TIMING, ...timing };
    this.#places = new Places([url].flat().map(socketAddress));
    this.#connection = new Connection(() => this.#places.current, () => this.#attempt(), {
      changed: (state) => this.#changed(state),
      opened: () => this.#opened(),
      greeted: (ok) => this.#greeted(ok),
      delivered: (frame) => this.#delivered(frame),
      lost: () => this.#lost(),
    }, this.#timing, { codec, WebSocket });
    /** Private and group conversations. */
    this.chat = new Chat(this.#connection, this.#timing, Math.random, chat);
    /** The HTTP API, for what has no frame. */
    this.calls = new Calls(this.#token, () => httpAddress(this.#places.current), renewed, () => this.doubt());
    this.groups = new Groups(this.calls, () => this.uid);
  }

  /** How far the service's clock is ahead of ours, in ms. */
  get aheadMs() {
    return this.#connection.aheadMs;
  }

  /** What the connection is doing. @returns {State} */
  get state() {
    return this.#state;
  }

  /**
   * Connect. From then on a lost connection is made again, with backoff, and its rooms are joined again where they stood.
   * When the service says not to come back (`unauthorized` without another token, `banned`, `replaced`), the client is
   * over: calls and iterations throw that.
   * @param {{isPatient?: boolean}} [how] patient: try again also where the first attempt fails, so that only a service
   *   that says no ends it
   * @returns {Promise<this>} once connected @throws {Refusal} `unavailable` when nobody answers
   */
  async connect({ isPatient = false } = {}) {
    this.#isPatient = isPatient;
    if (this.#state.phase === "ended" && !this.#isOver) this.#connection.connect();
    await this.#connection.linked(new AbortController().signal);
    return this;
  }

  /** An attempt that waits for its time is made now, as the network is back, or somebody is tired of waiting. */
  hurry() {
    this.#connection.hurry();
  }

  /** The connection may be dead, as the network is gone: that is found out now. */
  doubt() {
    this.#connection.doubt();
  }

  /** Say goodbye and end everything this client began. */
  close() {
    if (!this.#isOver) this.#connection.close();
  }

  /**
   * Come into a room and watch it.
   * @param {string} name
   * @param {{since?: Position | null, history?: boolean, buffer?: number, timeoutMs?: number}} [how] `since`: go on after
   *   this position of an earlier visit; `history`: false begins with what is shown from now on; `buffer`: so many items
   *   wait for a slow reader, beyond it the oldest are dropped
   * @returns {Promise<JoinedRoom>} @throws {Refusal} `conflict` when this client is in that room already
   */
  async join(name, { since = null, history = true, buffer = 10_000, timeoutMs = this.#timing.answer } = {}) {
    if (this.#rooms.has(name)) throw new Refusal("conflict", `this client is in the room ${name} already`);
    const showing = new Showing(name, buffer, () => this.#forget(room));
    const room = new Room(name, this.#connection, showing, this.#timing, { since, history });
    this.#rooms.set(name, { room, showing });
    try {
      const linked = (/** @type {AbortSignal} */ late) => this.#connection.linked(late);
      await untilAnswered(linked, (leftMs) => room.join(leftMs), timeoutMs, Math.random);
    } catch (error) {
      this.#forget(room);
      if (error instanceof Refusal && !error.retryable) room.end(error);
      else room.leave(); // it may have succeeded
      throw error;
    }
    return new JoinedRoom(room, showing, this.#timing, () => this.#forget(room));
  }

  /** The service's clock in ms since 1970. @param {{timeoutMs?: number}} [how] @returns {Promise<number>} @throws {Refusal} */
  async ping({ timeoutMs = this.#timing.answer } = {}) {
    const linked = (/** @type {AbortSignal} */ late) => this.#connection.linked(late);
    const ask = (/** @type {number} */ leftMs) => this.#connection.ask({ t: "ping" }, leftMs);
    return (await untilAnswered(linked, ask, timeoutMs, Math.random)).server_time ?? 0;
  }

  /**
   * Notices, changes of the connection, and who reads and types, from now on: for `for await`, or with `on`; it ends
   * with the client. A reader that falls behind by 1,000 loses the oldest.
   * @returns {Inbox<Happening>}
   */
  events() {
    /** @type {Inbox<Happening>} */
    const inbox = new Inbox(EVENTS);
    if (this.#isOver) inbox.end();
    else this.#listeners.add(inbox);
    return inbox;
  }

  /**
   * Call `act` with each event of this kind from now on; with "item": with each; with "end": when the client is over.
   * @template {Happening["kind"] | "item" | "end"} Kind
   * @param {Kind} kind
   * @param {(given: Kind extends "end" ? null : Kind extends "item" ? Happening : Extract<Happening, {kind: Kind}>) => void} act
   * @returns {() => void} no longer
   */
  on(kind, act) {
    this.#heard ??= this.events();
    return this.#heard.on(kind, act);
  }

  /** Choose where to connect, and what to say there. */
  #attempt() {
    const { find: finds = false, region = "" } = this.#options;
    if (finds) return find(this.#places, region, this.#timing.connect).then(() => this.#hello());
    this.#places.move();
    return this.#hello();
  }

  /** @returns {Record<string, unknown> | Promise<Record<string, unknown>>} */
  #hello() {
    const { device, name, chat = false, deflate = true, replaces = true } = this.#options;
    this.#n = Math.max(this.#n + 1, Date.now()); // higher with each connection of this device, also of later clients
    const hello = {
      device, ...(name && { name }), ...(chat && { chat }), ...(replaces && { n: this.#n }), ...(!deflate && { deflate }),
    };
    const token = this.#token();
    if (typeof token === "string") return { ...hello, ...(token && { token }) };
    return token.then((fresh) => ({ ...hello, ...(fresh && { token: fresh }) }));
  }

  /** @param {State} state @returns {void | Promise<void>} as a refusal that is not final yet */
  #changed(state) {
    this.#state = state;
    this.#tell({ kind: "connection", ...state });
    if (state.phase === "live") this.#hasBeenLive = this.#mayRenew = true;
    else if (state.phase === "refused") return this.#refused(new Refusal(state.name, state.reason));
    else if (state.phase === "ended") this.#end(new Refusal("unavailable", "the client is closed"), true);
    else if (state.phase === "waiting" && !this.#hasBeenLive && !this.#isPatient && ++this.#failed >= this.#places.size) {
      this.#connection.give(new Refusal(state.name, `the service cannot be reached: ${state.reason || "nobody answers"}`));
    }
  }

  /** Nothing ends where it was but the token, and there is another one. @param {Refusal} refusal @returns {void | Promise<void>} */
  #refused(refusal) {
    const { renewed } = this.#options;
    if (refusal.name !== "unauthorized" || renewed === undefined || !this.#mayRenew) return this.#end(refusal, false);
    this.#mayRenew = false;
    return this.#renew(renewed, refusal);
  }

  /** @param {(why: string) => boolean | Promise<boolean>} renewed @param {Refusal} refusal */
  async #renew(renewed, refusal) {
    let isRenewed = false;
    try {
      isRenewed = await renewed(refusal.message);
    } catch {
      // then there is no other token
    }
    if (this.#isOver) return; // closed meanwhile
    if (isRenewed) this.#connection.connect();
    else this.#end(refusal, false);
  }

  /** @param {import("./protocol.js").Ok} ok */
  #greeted({ uid = "", name = "", role = "", session = "" }) {
    Object.assign(this, { uid, name, role, session });
    this.chat.resync();
  }

  #opened() {
    for (const { room } of this.#rooms.values()) if (room.hasBeenIn) void room.enter();
  }

  #lost() {
    for (const { room } of this.#rooms.values()) room.lost();
    this.chat.lost();
  }

  /** @param {ServerFrame} frame */
  #delivered(frame) {
    if (isOfRoom(frame)) this.#rooms.get(frame.room)?.room.take(frame);
    else if (frame.t === "chat" || frame.t === "head") this.chat.take(frame);
    else if (frame.t === "read") this.#tell({ kind: "read", conv: frame.conv, uid: frame.uid, seq: frame.seq });
    else if (frame.t === "typing") this.#tell({ kind: "typing", conv: frame.conv, uid: frame.uid });
    else if (frame.t === "notice") this.#noticed(frame);
  }

  /** @param {import("./protocol.js").Notice} frame */
  #noticed({ kind, room, reason = "", retry_ms: retryMs, text = "" }) {
    this.#tell({ kind: "notice", notice: kind, room: room ?? null, reason, retryMs: retryMs ?? null, text });
    const concerned = room === undefined ? undefined : this.#rooms.get(room);
    if (kind === "reconnect") this.#connection.move(retryMs ?? 0);
    else if ((kind === "kicked" || kind === "banned") && concerned !== undefined) {
      const refusal = kind === "banned"
        ? new Refusal("banned", reason || "you are banned", retryMs ?? null)
        : new Refusal("forbidden", reason || "you were sent out of the room");
      concerned.room.end(refusal);
      concerned.showing.refused(refusal);
    } else if (kind === "resync" && room === undefined) this.chat.resync();
    else if (kind === "resync") void concerned?.room.enter();
  }

  /** It is over. @param {Refusal} refusal @param {boolean} isWished */
  #end(refusal, isWished) {
    this.#isOver = true;
    for (const { room, showing } of this.#rooms.values()) {
      room.end(refusal);
      showing.inbox.end(isWished ? null : refusal);
    }
    this.#rooms.clear();
    this.chat.end(isWished ? null : refusal);
    for (const inbox of this.#listeners) inbox.end();
    this.#listeners.clear();
  }

  /** @param {Room} room */
  #forget(room) {
    if (this.#rooms.get(room.name)?.room === room) this.#rooms.delete(room.name);
  }

  /** @param {Happening} event */
  #tell(event) {
    for (const inbox of this.#listeners) inbox.put(event);
  }
}
