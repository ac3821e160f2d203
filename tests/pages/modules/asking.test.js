import { untilAnswered } from "/sdk/asking.js";
import { Lost, Refusal } from "/sdk/protocol.js";
import { same } from "./assert.js";

const AT_ONCE = () => -0.5; // no pause between two tries

/** Of what is asked where one is out after so many tries, of which nobody knows what came. */
async function refusedAfter(tries) {
  let made = 0;
  const linked = async () => {
    if (made === tries) throw new Refusal("not_joined", "out");
  };
  const attempt = async () => {
    made += 1;
    throw new Lost();
  };
  const { name, isUndecided } = await untilAnswered(linked, attempt, 20_000, AT_ONCE).catch((refusal) => refusal);
  return [name, isUndecided];
}

export async function where_a_try_may_have_been_heard_it_is_undecided_whatever_ends_it() {
  same(await refusedAfter(0), ["not_joined", false]);
  same(await refusedAfter(1), ["not_joined", true]);
}
