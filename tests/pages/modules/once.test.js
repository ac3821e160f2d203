import { Refusal } from "/sdk/protocol.js";
import { Once } from "/shared/once.js";
import { holds, same } from "./assert.js";

/** Say it; `outcome` is how the service refuses it, "" for not at all. @param {Once} once @param {string} what @param {string} outcome */
async function cidOf(once, what, outcome = "") {
  let said = "";
  await once.say(what, async (cid) => {
    said = cid;
    if (outcome !== "") throw new Refusal(outcome, "no");
  }).catch((error) => same(error.name, outcome));
  return said;
}

export async function what_nobody_answered_is_said_again_by_the_same_id() {
  const once = new Once();
  const first = await cidOf(once, "hello", "timeout");
  holds(once.isOpen("hello") && !once.isOpen("bye") && !once.isOpen(""), "only that one is open");
  same([await cidOf(once, "hello", "unavailable"), await cidOf(once, "hello")], [first, first]);
  holds(!once.isOpen("hello") && (await cidOf(once, "hello")) !== first, "the next one is another one");
}

export async function what_was_refused_or_is_another_one_has_an_id_of_its_own() {
  const once = new Once();
  const [refused, open] = [await cidOf(once, "hello", "blocked_words"), await cidOf(once, "hello", "timeout")];
  const other = await cidOf(once, "hello!", "timeout");
  const again = await cidOf(once, "hello", "timeout");
  once.settle();
  same(new Set([refused, open, other, again, await cidOf(once, "hello")]).size, 5);
}
