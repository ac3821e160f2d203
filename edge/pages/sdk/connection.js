/**
 * A connection that comes back by itself: open, greet, keep alive, lose, wait, open again.
 *
 * @typedef {import("./protocol.js").ClientFrame} ClientFrame
 * @typedef {import("./protocol.js").ServerFrame} ServerFrame
 * @typedef {import("./protocol.js").Ok} Ok
 * @typedef {import("./codec.js").Codec} Codec
 * @typedef {import("./pace.js").Timing} Timing
 * @typedef {ReturnType<typeof setTimeout> | undefined} Timer
 * @typedef {{phase: "connecting"} | {phase: "live"} | {phase: "doubted"} |
 *   {phase: "waiting", until: number, code: number, name: string, reason: string} |
 *   {phase: "refused", name: string, reason: string} | {phase: "ended"}} State
 *   `until` is of the clock that was given, `code` that of the close, `name` that of a refusal, `upgrade_required` where HTTP
 *   reaches the service and no socket ever did; from doubted it is live again as soon as anything is heard
 * @typedef {object} Listener who is told, synchronously and in order, what becomes of the connection
 * @property {(state: State) => void | Promise<void>} changed a refusal is final once what it returns is over and nobody connected
 * @property {() => void} [opened] what is asked now goes out along with the greeting, and is answered after it
 * @property {(ok: Ok) => void} [greeted]
 * @property {(frame: ServerFrame) => void} delivered
 * @property {() => void} lost
 */

import { Bell } from "./bell.js";
import { json } from "./codec.js";
import { mayReconnect, Pace } from "./pace.js";
import { Lost, Refusal } from "./protocol.js";
import { CAN_INFLATE, Turns } from "./turns.js";

export { Lost };

const BROKEN = 1006;
const MESSAGE_BYTES = 16 * 1024; // what a service takes as shipped
const LEAST_BYTES = 1024; // what any service takes: before the greeting one does not know
const WAITING_BYTES = 1024 * 1024; // more than that is not to wait for a network that takes nothing
const OPEN = 1;
const IN_VAIN = 3; // sockets that did not open before it is asked why
const ASK_EVERY = 60_000;

/** What a close code that forbids to come back means. @type {Record<number, [string, string]>} */
const FOR_GOOD = {
  4401: ["unauthorized", "the login is not valid any more"],
  4403: ["banned", "you are banned"],
  4409: ["replaced", "replaced by a newer connection of this device"],
  4413: ["too_large", "the service refused a message that was too large"],
};

export class Connection {
  #url;
  #hello;
  #listener;
  #timing;
  #pace;
  #now;
  #codec;
  #Socket;
  /** @type {WebSocket | null} */
  #socket = null;
  #isLive = false;
  #ids = 0;
  /** @type {Map<number, {resolve: (ok: Ok) => void, reject: (error: Error) => void}>} */
  #asked = new Map();
  #heard = 0;
  /** What was heard when a sign of life was asked for. */
  #doubted = -1;
  #isDoubted = false;
  #heartbeat;
  /** For a larger message the service would close the connection. */
  #mostBytes = MESSAGE_BYTES;
  /** How far the service's clock is ahead of ours, in ms; 0 until it was greeted once. */
  aheadMs = 0;
  /** Who was greeted last; a guest: null, nobody yet: undefined. @type {string | null | undefined} */
  user;
  /** The one thing that is waited for: the greeting, the next ping or the next attempt. @type {Timer} */
  #timer;
  /** @type {Timer} */
  #moving;
  /** Raised with each attempt, and where there is to be none. */
  #attempt = 0;
  /** Why there will be no connection. @type {Refusal | null} */
  #refusal = null;
  /** Rung where there is a connection, or is to be none; a room rings it where one is in, or out. */
  changed = new Bell();
  /** Sockets that did not open, until one does. */
  #inVain = 0;
  /** When it is asked why, and what was found. */
  #askAt = 0;
  /** @type {import("./reach.js").Why | null} */
  #why = null;
  /** What goes out in one message with the greeting. @type {(string | Uint8Array<ArrayBuffer>)[] | null} */
  #along = null;

  /** Milliseconds since 1970 by the service's clock, as far as it is known. */
  get serviceNow() {
    return Date.now() + this.aheadMs;
  }

  /**
   * @param {string | (() => string)} url asked for at each attempt, once there is a greeting
   * @param {() => Record<string, unknown> | Promise<Record<string, unknown>>} hello fields of the greeting, asked for
   *   at each attempt
   * @param {Listener} listener
   * @param {Timing} timing
   * @param {{random?: () => number, now?: () => number, codec?: Codec, WebSocket?: new (url: string, protocols: string[]) => any}} [others]
   *   `now` in milliseconds, never going back; `WebSocket` where the platform has none
   */
  constructor(url, hello, listener, timing, others = {}) {
    const { random = Math.random, now = () => performance.now(), codec = json, WebSocket } = others;
    this.#url = typeof url === "function" ? url : () => url;
    this.#hello = hello;
    this.#listener = listener;
    this.#timing = timing;
    this.#pace = new Pace(timing, random);
    this.#now = now;
    this.#codec = codec;
    this.#Socket = WebSocket;
    this.#heartbeat = timing.heartbeat;
  }

  /** Whether something can be asked. */
  get isOpen() {
    return this.#socket?.readyState === OPEN;
  }

  /** Whether it was greeted, too. */
  get isLive() {
    return this.#isLive && this.isOpen;
  }

  /** Whether there is none now, or maybe none, and may be one soon. */
  get isComing() {
    return (!this.isLive || this.#isDoubted) && this.#refusal === null;
  }

  /**
   * Until there is a connection, or `signal` says that it is too late.
   * @param {AbortSignal} signal @throws {Refusal} where there will be none
   */
  linked(signal) {
    return this.until(() => this.isLive, signal);
  }

  /**
   * Until that holds, asked for as `changed` rings, or `signal` says that it is too late.
   * @param {() => boolean} holds @param {AbortSignal} signal @throws {Refusal} where there will be no connection
   */
  async until(holds, signal) {
    while (!holds() && !signal.aborted) {
      if (this.#refusal !== null) throw this.#refusal;
      await this.changed.heard(signal);
    }
  }

  /** Connect now, whatever was before: at the start, with a new login, or because somebody is tired of waiting. */
  connect() {
    this.#drop();
    this.#refusal = null;
    this.#listener.changed({ phase: "connecting" });
    this.#wait(this.#timing.connect, () => this.#end(BROKEN, "no answer came"));
    const hello = this.#hello();
    if (hello instanceof Promise) void this.#openWith(hello, this.#attempt);
    else this.#open(hello);
  }

  /** Say goodbye and stay away. */
  close() {
    this.#drop();
    this.#over(new Refusal("unavailable", "the connection was closed"));
    this.#listener.changed({ phase: "ended" });
  }

  /** Stay away, and say why. @param {Refusal} refusal */
  give(refusal) {
    this.#refuse(refusal.name, refusal.message);
  }

  /** An attempt that waits for its time is made now: the network is back. */
  hurry() {
    if (this.#socket === null && this.#timer !== undefined) this.connect();
  }

  /** It may be dead, as the network is gone or an answer did not come: that is found out now. */
  doubt() {
    if (!this.isLive || this.#isDoubted) return;
    this.#isDoubted = true;
    this.#listener.changed({ phase: "doubted" });
    this.#ping();
  }

  /** The service wants this client elsewhere: come back after `retryMs`, even if it never hangs up. @param {number} retryMs */
  move(retryMs) {
    this.#pace.askedToWait(retryMs, this.#now());
    clearTimeout(this.#moving);
    this.#moving = setTimeout(() => this.#end(BROKEN, "moving"), retryMs);
  }

  /**
   * Say something and return the answer.
   * @param {{t: string} & Record<string, any>} frame without its `id`
   * @param {number} [timeoutMs] at most as long as answers take
   * @returns {Promise<Ok>}
   * @throws {Refusal} the service's, `too_large`, `timeout`, or `unavailable` while nothing more can wait @throws {Lost}
   */
  ask(frame, timeoutMs = this.#timing.answer) {
    const socket = this.#socket;
    if (socket === null || socket.readyState !== OPEN) return Promise.reject(new Lost());
    const id = (this.#ids += 1);
    const { t, ...fields } = frame;
    const message = this.#codec.encode({ t, id, ...fields });
    if (bytes(message) > this.#mostBytes) {
      return Promise.reject(new Refusal("too_large", "this is longer than the service takes"));
    }
    if (socket.bufferedAmount > WAITING_BYTES) {
      return Promise.reject(new Refusal("unavailable", "the network takes nothing any more"));
    }
    return new Promise((resolve, reject) => {
      /** @param {() => void} settle */
      const settle = (settle) => {
        clearTimeout(late);
        this.#asked.delete(id);
        settle();
      };
      const answer = {
        resolve: (/** @type {Ok} */ ok) => settle(() => resolve(ok)),
        reject: (/** @type {Error} */ error) => settle(() => reject(error)),
      };
      const late = setTimeout(() => {
        answer.reject(new Refusal("timeout", "no answer came in time"));
        if (socket === this.#socket) this.doubt(); // that it is dead is not to be noticed at the next heartbeat only
      }, Math.min(timeoutMs, this.#timing.answer));
      this.#asked.set(id, answer);
      if (this.#along === null) socket.send(message);
      else this.#along.push(message);
    });
  }

  /** @param {Promise<Record<string, unknown>>} asked @param {number} attempt */
  async #openWith(asked, attempt) {
    try {
      const hello = await asked;
      if (attempt === this.#attempt) this.#open(hello);
    } catch (error) {
      if (attempt !== this.#attempt) return;
      if (error instanceof Refusal && !error.retryable) this.#refuse(error.name, error.message);
      else this.#end(BROKEN, `there is no token: ${error}`);
    }
  }

  /** @param {Record<string, unknown>} hello */
  #open(hello) {
    const Socket = this.#Socket ?? globalThis.WebSocket;
    /** @type {WebSocket} */
    let socket;
    try {
      socket = new Socket(this.#url(), [this.#codec.protocol]);
    } catch (error) { // from a page with TLS one may not connect without
      this.#refuse("forbidden", `this connection is not allowed here: ${error}`);
      return;
    }
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.#inVain = -Infinity;
      void this.#greet(socket, hello);
    };
    const turns = new Turns(
      (frames) => void (socket === this.#socket && this.#read(frames)),
      (error) => void (socket === this.#socket && this.#end(BROKEN, `the service sent what cannot be inflated: ${error}`)),
    );
    socket.onmessage = (event) => {
      this.#heard += 1;
      if (this.#isDoubted) {
        this.#isDoubted = false;
        this.#listener.changed({ phase: "live" });
      }
      turns.take(event.data);
    };
    socket.onclose = (event) => this.#end(event.code, event.reason);
    socket.onerror = () => {}; // a close follows; some libraries throw where nobody listens
  }

  /** @param {WebSocket} socket @param {Record<string, unknown>} hello */
  async #greet(socket, hello) {
    try {
      const ok = await this.#sayHello(socket, { t: "hello", deflate: CAN_INFLATE, ...hello });
      if (socket !== this.#socket) return;
      this.#isLive = true;
      this.user = ok.role === "guest" ? null : ok.uid;
      this.#heartbeat = ok.heartbeat_ms ?? this.#timing.heartbeat;
      this.#mostBytes = ok.frame_bytes ?? MESSAGE_BYTES;
      this.#pace.connected(this.#now());
      this.#listener.changed({ phase: "live" });
      this.aheadMs = (ok.server_time ?? Date.now()) - Date.now();
      this.#listener.greeted?.(ok);
      this.changed.ring();
      this.#keepAlive();
    } catch (error) {
      if (socket !== this.#socket || !(error instanceof Refusal)) return;
      if (error.retryable) {
        if (error.retryMs !== null) this.#pace.askedToWait(error.retryMs, this.#now());
        this.#end(BROKEN, error.message, error.name);
      } else {
        this.#refuse(error.name, error.message);
      }
    }
  }

  /** @param {WebSocket} socket @param {{t: string} & Record<string, any>} hello */
  #sayHello(socket, hello) {
    /** @type {(string | Uint8Array<ArrayBuffer>)[]} */
    const along = [];
    this.#along = along;
    const greeted = this.ask(hello);
    try {
      if (along.length > 0) this.#listener.opened?.();
    } finally {
      this.#along = null;
      if (this.#socket === socket) for (const message of inOne(along)) socket.send(message);
    }
    return greeted;
  }

  /** @param {string | ArrayBuffer} message */
  #read(message) {
    try {
      for (const frame of this.#codec.decode(message)) this.#deliver(frame);
    } catch (error) {
      this.#end(BROKEN, `the service sent what is no frame: ${error}`);
    }
  }

  /** @param {ServerFrame} frame */
  #deliver(frame) {
    if (frame.t === "ok") this.#asked.get(frame.id)?.resolve(frame);
    else if (frame.t === "err") this.#asked.get(frame.id ?? -1)?.reject(Refusal.of(frame));
    else this.#listener.delivered(frame);
  }

  #keepAlive() {
    const heard = this.#heard;
    this.#wait(this.#heartbeat, () => (this.#heard === heard ? this.#ping() : this.#keepAlive()));
  }

  /** Nothing was heard: ask for a sign of life. When there is none for a while, the connection is dead. */
  #ping() {
    const heard = this.#heard;
    if (this.#doubted === heard) return; // it is waited for already
    this.#doubted = heard;
    this.ask({ t: "ping" }).catch(() => {});
    this.#wait(this.#timing.pong, () => {
      if (this.#heard === heard) this.#end(BROKEN, "the connection went silent");
      else this.#keepAlive();
    });
  }

  /** This socket is over. @param {number} code @param {string} reason @param {string} refused by which name */
  #end(code, reason, refused = "unavailable") {
    const why = this.#socket !== null && ++this.#inVain >= IN_VAIN ? this.#unopened() : null;
    this.#drop();
    if (!mayReconnect(code)) {
      const [name, meaning] = FOR_GOOD[code] ?? ["forbidden", "the service does not want this connection"];
      this.#refuse(name, reason || meaning);
      return;
    }
    const ms = this.#pace.wait(code, this.#now()) ?? 0;
    this.#wait(ms, () => this.connect()); // first: who is told may decide otherwise
    this.#listener.changed({ phase: "waiting", until: this.#now() + ms, code, name: refused, reason, ...why });
  }

  /** No socket ever opened: why, as far as that was known before this one. @returns {import("./reach.js").Why | null} */
  #unopened() {
    const [known, now, url] = [this.#why, this.#now(), this.#url()];
    if (now >= this.#askAt) {
      this.#askAt = now + ASK_EVERY;
      const found = (/** @type {typeof known} */ why) => void (this.#why = why);
      import("./reach.js").then(({ unopened }) => unopened(url, this.#timing.connect)).then(found, () => found(null));
    }
    return known;
  }

  /** Not to come back before something changes. @param {string} name @param {string} reason */
  #refuse(name, reason) {
    this.#drop();
    const attempt = this.#attempt;
    const over = () => void (attempt === this.#attempt && this.#over(new Refusal(name, reason)));
    const deciding = this.#listener.changed({ phase: "refused", name, reason });
    if (deciding instanceof Promise) void deciding.finally(over);
    else over();
  }

  /** @param {Refusal} refusal */
  #over(refusal) {
    this.#refusal = refusal;
    this.changed.ring();
  }

  /** Let go of the socket, whatever state it is in; its last words are not heard any more. */
  #drop() {
    clearTimeout(this.#timer);
    clearTimeout(this.#moving);
    this.#timer = undefined;
    this.#attempt += 1;
    const socket = this.#socket;
    if (socket === null) return;
    const wasLive = this.#isLive;
    this.#socket = null;
    this.#isLive = this.#isDoubted = false;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    for (const answer of [...this.#asked.values()]) answer.reject(new Lost());
    if (wasLive) this.#listener.lost();
  }

  /** @param {number} ms @param {() => void} act */
  #wait(ms, act) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      act();
    }, ms);
  }
}

/** Lines in one, where that is not too large. @template {string | Uint8Array} M @param {M[]} messages */
function inOne(messages) {
  if (messages.length < 2 || !messages.every((message) => typeof message === "string")) return messages;
  const all = messages.join("\n");
  return bytes(all) > LEAST_BYTES ? messages : [all];
}

/** @param {string | Uint8Array} message */
function bytes(message) {
  return typeof message === "string" ? new TextEncoder().encode(message).length : message.length;
}
