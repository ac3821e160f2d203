/**
 * A connection that comes back by itself: open, greet, keep alive, lose, wait, open again.
 *
 * @typedef {import("./protocol.js").ClientFrame} ClientFrame
 * @typedef {import("./protocol.js").ServerFrame} ServerFrame
 * @typedef {import("./protocol.js").Ok} Ok
 * @typedef {import("./pace.js").Timing} Timing
 * @typedef {{phase: "connecting"} | {phase: "live"} | {phase: "waiting", until: number, reason: string} |
 *   {phase: "refused", name: string, reason: string} | {phase: "ended"}} State
 *   `until` is of the clock that was given
 * @typedef {object} Listener who is told, synchronously and in order, what becomes of the connection
 * @property {(state: State) => void} changed
 * @property {(ok: Ok) => void} greeted
 * @property {(frame: ServerFrame) => void} delivered
 * @property {() => void} lost
 */

import { mayReconnect, Pace } from "./pace.js";
import { PROTOCOL, decode, encode, Refusal } from "./protocol.js";

const BROKEN = 1006;
const MESSAGE_BYTES = 16 * 1024; // what a service takes as shipped
const CAN_INFLATE = "DecompressionStream" in globalThis;

/** What a close code that forbids to come back means. @type {Record<number, [string, string]>} */
const FOR_GOOD = {
  4401: ["unauthorized", "the login is not valid any more"],
  4403: ["banned", "you are banned"],
  4409: ["replaced", "replaced by a newer connection of this device"],
  4413: ["too_large", "the service refused a message that was too large"],
};

/** @param {ArrayBuffer} message */
function inflate(message) {
  return new Response(new Blob([message]).stream().pipeThrough(new DecompressionStream("deflate"))).text();
}

/** The connection ended before the answer came: nobody knows whether the request was heard. */
export class Lost extends Error {}

export class Connection {
  #url;
  #hello;
  #listener;
  #timing;
  #pace;
  #now;
  /** @type {WebSocket | null} */
  #socket = null;
  #isLive = false;
  #ids = 0;
  /** @type {Map<number, {resolve: (ok: Ok) => void, reject: (error: Error) => void}>} */
  #asked = new Map();
  #heard = 0;
  /** The last message that is being inflated, or waits behind one that is. @type {Promise<void> | null} */
  #behind = null;
  #heartbeat;
  /** For a larger message the service would close the connection. */
  #mostBytes = MESSAGE_BYTES;
  /** The one thing that is waited for: the greeting, the next ping or the next attempt. */
  #timer = 0;

  /**
   * @param {string} url
   * @param {() => Record<string, unknown>} hello fields of the greeting, asked for at each attempt
   * @param {Listener} listener
   * @param {Timing} timing
   * @param {{random?: () => number, now?: () => number}} [chance] `now` in milliseconds, never going back
   */
  constructor(url, hello, listener, timing, { random = Math.random, now = () => performance.now() } = {}) {
    this.#url = url;
    this.#hello = hello;
    this.#listener = listener;
    this.#timing = timing;
    this.#pace = new Pace(timing, random);
    this.#now = now;
    this.#heartbeat = timing.heartbeat;
  }

  get isLive() {
    return this.#isLive;
  }

  /** Connect now, whatever was before: at the start, with a new login, or because somebody is tired of waiting. */
  connect() {
    this.#drop();
    this.#listener.changed({ phase: "connecting" });
    const socket = new WebSocket(this.#url, [PROTOCOL]);
    this.#socket = socket;
    socket.onopen = () => void this.#greet(socket);
    socket.binaryType = "arraybuffer";
    socket.onmessage = (event) => this.#take(socket, event.data);
    socket.onclose = (event) => this.#end(event.code, event.reason);
    this.#wait(this.#timing.connect, () => this.#end(BROKEN, "no answer came"));
  }

  /** Say goodbye and stay away. */
  close() {
    this.#drop();
    this.#listener.changed({ phase: "ended" });
  }

  /** An attempt that waits for its time is made now: the network is back. */
  hurry() {
    if (this.#socket === null && this.#timer !== 0) this.connect();
  }

  /** The service wants this client elsewhere: come back after `retryMs`, even if it never hangs up. @param {number} retryMs */
  move(retryMs) {
    this.#pace.askedToWait(retryMs, this.#now());
    const socket = this.#socket;
    setTimeout(() => socket !== null && socket === this.#socket && this.#end(BROKEN, "moving"), retryMs);
  }

  /**
   * Say something and return the answer.
   * @param {Omit<ClientFrame, "id">} frame
   * @returns {Promise<Ok>}
   * @throws {Refusal} the service's, `too_large` or `timeout` @throws {Lost}
   */
  ask(frame) {
    const socket = this.#socket;
    if (socket === null || socket.readyState !== WebSocket.OPEN) return Promise.reject(new Lost());
    const id = (this.#ids += 1);
    const { t, ...fields } = frame;
    const message = encode({ t, id, ...fields });
    if (bytes(message) > this.#mostBytes) {
      return Promise.reject(new Refusal("too_large", "this is longer than the service takes"));
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
      const late = setTimeout(
        () => answer.reject(new Refusal("timeout", "no answer came in time")),
        this.#timing.answer,
      );
      this.#asked.set(id, answer);
      socket.send(message);
    });
  }

  /** @param {WebSocket} socket */
  async #greet(socket) {
    try {
      const ok = await this.ask({ t: "hello", deflate: CAN_INFLATE, ...this.#hello() });
      if (socket !== this.#socket) return;
      this.#isLive = true;
      this.#heartbeat = ok.heartbeat_ms ?? this.#timing.heartbeat;
      this.#mostBytes = ok.frame_bytes ?? MESSAGE_BYTES;
      this.#pace.connected(this.#now());
      this.#listener.changed({ phase: "live" });
      this.#listener.greeted(ok);
      this.#keepAlive();
    } catch (error) {
      if (socket !== this.#socket || !(error instanceof Refusal)) return;
      if (error.retryable) {
        if (error.retryMs !== null) this.#pace.askedToWait(error.retryMs, this.#now());
        this.#end(BROKEN, error.message);
      } else {
        this.#refuse(error.name, error.message);
      }
    }
  }

  /** @param {WebSocket} socket @param {string | ArrayBuffer} message */
  #take(socket, message) {
    this.#heard += 1;
    if (typeof message === "string" && this.#behind === null) {
      this.#read(message);
      return;
    }
    // What is compressed takes a moment; what comes meanwhile waits behind it.
    const turn = this.#readInTurn(socket, message, this.#behind).finally(() => {
      if (this.#behind === turn) this.#behind = null;
    });
    this.#behind = turn;
  }

  /** @param {WebSocket} socket @param {string | ArrayBuffer} message @param {Promise<void> | null} before */
  async #readInTurn(socket, message, before) {
    try {
      const text = typeof message === "string" ? message : await inflate(message);
      await before;
      if (this.#socket === socket) this.#read(text);
    } catch (error) {
      if (this.#socket === socket) this.#end(BROKEN, `the service sent what cannot be inflated: ${error}`);
    }
  }

  /** @param {string} message */
  #read(message) {
    try {
      for (const frame of decode(message)) this.#deliver(frame);
    } catch (error) {
      this.#end(BROKEN, `the service sent what is no frame: ${error}`);
    }
  }

  /** @param {ServerFrame} frame */
  #deliver(frame) {
    if (frame.t === "ok") this.#asked.get(frame.id)?.resolve(/** @type {Ok} */ (frame));
    else if (frame.t === "err") this.#asked.get(frame.id ?? -1)?.reject(Refusal.of(/** @type {any} */ (frame)));
    else this.#listener.delivered(frame);
  }

  #keepAlive() {
    const heard = this.#heard;
    this.#wait(this.#heartbeat, () => (this.#heard === heard ? this.#ping() : this.#keepAlive()));
  }

  /** Nothing was heard: ask for a sign of life. When there is none for a while, the connection is dead. */
  #ping() {
    const heard = this.#heard;
    this.ask({ t: "ping" }).catch(() => {});
    this.#wait(this.#timing.pong, () => {
      if (this.#heard === heard) this.#end(BROKEN, "the connection went silent");
      else this.#keepAlive();
    });
  }

  /** This socket is over. @param {number} code @param {string} reason */
  #end(code, reason) {
    this.#drop();
    if (!mayReconnect(code)) {
      const [name, meaning] = FOR_GOOD[code] ?? ["forbidden", "the service does not want this connection"];
      this.#refuse(name, reason || meaning);
      return;
    }
    const ms = this.#pace.wait(code, this.#now()) ?? 0;
    this.#listener.changed({ phase: "waiting", until: this.#now() + ms, reason });
    this.#wait(ms, () => this.connect());
  }

  /** Not to come back before something changes. @param {string} name @param {string} reason */
  #refuse(name, reason) {
    this.#drop();
    this.#listener.changed({ phase: "refused", name, reason });
  }

  /** Let go of the socket, whatever state it is in; its last words are not heard any more. */
  #drop() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const socket = this.#socket;
    if (socket === null) return;
    const wasLive = this.#isLive;
    this.#socket = null;
    this.#isLive = false;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    for (const answer of [...this.#asked.values()]) answer.reject(new Lost());
    if (wasLive) this.#listener.lost();
  }

  /** @param {number} ms @param {() => void} act */
  #wait(ms, act) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      act();
    }, ms);
  }
}

/** @param {string} message */
function bytes(message) {
  return new TextEncoder().encode(message).length;
}
