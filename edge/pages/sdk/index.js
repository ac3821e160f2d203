/**
 * Live rooms, comments and chat of a danmaku service, for browsers and for Node.
 *
 *     import { Client } from "danmaku-client";
 *
 *     const client = await new Client("http://127.0.0.1:8080", { name: "ann" }).connect();
 *     const room = await client.join("demo");
 *     await room.send("hello", { color: 0xff8800 });
 *     for await (const item of room) {
 *       if (item.kind === "comment") console.log(item.name, item.text);
 *     }
 *
 * Every "no" is a Refusal with `name`, `message` and, where a later try may succeed, `retryMs`; a service that cannot be
 * reached is `unavailable`, an answer that does not come is `timeout`.
 */

export { Calls } from "./calls.js";
export { Client } from "./client.js";
export { json, msgpack } from "./codec.js";
export { compare } from "./reader.js";
export { TIMING } from "./pace.js";
export { Refusal, isId, newId } from "./protocol.js";
export { takesBack } from "./recalls.js";
export { refreshed } from "./tokens.js";
