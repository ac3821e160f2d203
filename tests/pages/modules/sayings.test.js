import { Refusal } from "/sdk/protocol.js";
import { Sayings } from "/chat/sayings.js";
import { holds, same } from "./assert.js";

/** Say it, and nobody answers. @param {Sayings} sayings @param {string} conv */
async function cidOf(sayings, conv, what = "hello") {
  let said = "";
  await sayings.say(conv, what, async (cid) => {
    said = cid;
    throw new Refusal("timeout", "no");
  }).catch((error) => same(error.name, "timeout"));
  return said;
}

export async function each_conversation_has_one_of_its_own() {
  const sayings = new Sayings();
  const here = await cidOf(sayings, "p:ann:bob");
  const there = await cidOf(sayings, "g:crew", "bye");
  same([await cidOf(sayings, "p:ann:bob"), await cidOf(sayings, "g:crew", "bye")], [here, there]);
}

export async function what_came_after_all_is_known() {
  const sayings = new Sayings();
  const cid = await cidOf(sayings, "p:ann:bob");
  const message = { t: "chat", conv: "p:ann:bob", seq: 1, kind: "message", cid };
  const others = [{ ...message, conv: "g:crew" }, { ...message, cid: "another" }, { t: "chat", conv: "p:ann:bob", seq: 2, kind: "gone" }];
  same(sayings.settle(others), []);
  same(await cidOf(sayings, "p:ann:bob"), cid);
  same(sayings.settle([message, message]).length, 1);
  holds((await cidOf(sayings, "p:ann:bob")) !== cid, "the same words again are another message");
}

export async function what_came_by_the_conversation_itself_did_not_fail() {
  const sayings = new Sayings();
  const come = (/** @type {string} */ name) => sayings.say("g:crew", "hello", async (cid) => {
    same(sayings.settle([{ t: "chat", conv: "g:crew", seq: 1, kind: "message", cid }]).length, 1);
    throw new Refusal(name, "no");
  });
  await come("timeout");
  same(await come("forbidden").catch((error) => error.name), "forbidden");
}
