import { asOneUser, untilAnswered } from "/sdk/asking.js";
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

export async function what_one_user_asked_is_not_asked_again_as_another() {
  for (const [before, after, isAsked] of [
    [undefined, "ann", true], [null, null, true], ["ann", "ann", true], [null, "ann", false], ["ann", null, false], ["bob", "ann", false],
  ]) {
    const connection = { user: before };
    const linked = asOneUser(connection, async () => { connection.user = after; });
    const asked = await untilAnswered(linked, async () => true, 20_000, AT_ONCE).catch((refusal) => refusal.name);
    same(asked, isAsked || "unauthorized");
  }
}
