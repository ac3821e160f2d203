import { Refusal } from "/sdk/protocol.js";
import { Once } from "/shared/once.js";
import { holds, same } from "./assert.js";

/**
 * Say it; `outcome` is how the service refuses it, "" for not at all.
 * @param {Once} once @param {string} what @param {string} outcome @param {number | null} retryMs
 */
async function cidOf(once, what, outcome = "", retryMs = null) {
  let said = "";
  await once.say(what, async (cid) => {
    said = cid;
    if (outcome !== "") throw new Refusal(outcome, "no", retryMs);
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

export async function what_ends_late_settles_only_itself() {
  const once = new Once();
  let end = () => {};
  const slow = once.say("slow", () => new Promise((done) => (end = () => done(null))));
  const first = await cidOf(once, "hello", "timeout");
  end();
  await slow;
  once.settle("another");
  same(await cidOf(once, "hello"), first);
}

export async function to_be_refused_for_a_while_says_nothing_of_an_earlier_try() {
  const once = new Once();
  const refused = await cidOf(once, "hello", "rate_limited", 500);
  const first = await cidOf(once, "hello", "timeout");
  holds(refused !== first, "that one alone was surely not taken");
  same([await cidOf(once, "hello", "rate_limited", 500), await cidOf(once, "hello", "blocked_words")], [first, first]);
  holds((await cidOf(once, "hello")) !== first, "it was refused for what it says");
}
