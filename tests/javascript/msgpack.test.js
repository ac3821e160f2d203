import * as library from "@msgpack/msgpack";

import { msgpack } from "/sdk/codec.js";
import { holds, same, throws } from "../pages/modules/assert.js";

const golden = await (await fetch("/golden/frames.json")).json();
const of = (side) => golden.filter((one) => one.side === side);
const codec = msgpack(library);

/** @param {string[]} texts @returns {ArrayBuffer} */
const bytes = (...texts) => Uint8Array.from(Buffer.from(texts.join(""), "hex")).buffer;

export function what_the_service_says_is_read() {
  holds(of("server").length > 10, "there are golden frames");
  for (const { name, frame, msgpack_hex: hex } of of("server")) same(codec.decode(bytes(hex)), [frame], name);
}

export function what_is_said_has_the_bytes_that_the_service_expects() {
  for (const { name, frame, msgpack_hex: hex } of of("client")) {
    const { t, id, ...fields } = frame;
    same(Buffer.from(codec.encode({ t, id, ...fields })).toString("hex"), hex, name);
  }
}

export function several_frames_in_one_message() {
  same(codec.decode(bytes(...of("server").map((one) => one.msgpack_hex))), of("server").map((one) => one.frame));
  same(codec.decode(bytes("")), []);
}

export function what_is_no_frame_is_refused() {
  throws(() => codec.decode("{}"), "text");
  throws(() => codec.decode(bytes("82a174a26f6b")), "cut off");
  throws(() => codec.decode(bytes("81a174a26f6b")), "an ok without an id");
}
