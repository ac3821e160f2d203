/**
 * How frames are written in the two subprotocols.
 *
 * @typedef {import("./protocol.js").ClientFrame} ClientFrame
 * @typedef {import("./protocol.js").ServerFrame} ServerFrame
 * @typedef {object} Codec
 * @property {string} protocol the name of the subprotocol
 * @property {(frame: ClientFrame) => string | Uint8Array<ArrayBuffer>} encode
 * @property {(message: string | ArrayBuffer) => ServerFrame[]} decode throws Error where it is no message of the service
 * @typedef {object} MsgpackLibrary what is used of `@msgpack/msgpack`
 * @property {(value: unknown) => Uint8Array<ArrayBuffer>} encode
 * @property {(bytes: ArrayBuffer) => Iterable<unknown>} decodeMulti
 */

import { PROTOCOL, decode, encode, understood } from "./protocol.js";

/** Needs nothing that a browser does not have. @type {Codec} */
export const json = {
  protocol: PROTOCOL,
  encode,
  decode: (message) => decode(typeof message === "string" ? message : new TextDecoder().decode(message)),
};

/**
 * Smaller on the wire, by a library of yours: `import * as library from "@msgpack/msgpack"`, then `msgpack(library)`.
 * @param {MsgpackLibrary} library @returns {Codec}
 */
export function msgpack(library) {
  return {
    protocol: "danmaku.v1.msgpack",
    encode: (frame) => library.encode(frame),
    decode(message) {
      if (typeof message === "string") throw new Error("text where msgpack was agreed on");
      return understood(library.decodeMulti(message));
    },
  };
}
