import { readItem } from "/sdk/protocol.js";
import { takes } from "/sdk/recalls.js";
import { same } from "./assert.js";

const at = (seq, epoch = 7) => ({ epoch, seq });
const comment = (uid, role = undefined) => readItem({ k: "c", uid, name: uid, text: "hi", role });
const recall = (fields) => readItem({ k: "recall", role: "moderator", ...fields });

export function one_position_and_no_other() {
  const one = recall({ of: at(3) });
  same([2, 3, 4].map((seq) => takes(one, at(9), comment("ann"), at(seq))), [false, true, false]);
  same(takes(one, at(9), comment("ann"), at(3, 8)), false);
}

export function all_of_a_user_or_of_everybody_before_it() {
  for (const [fields, wanted] of [[{ uid: "ann" }, [true, false]], [{}, [true, true]]]) {
    same(["ann", "bob"].map((uid) => takes(recall(fields), at(9), comment(uid), at(3))), wanted);
    same(takes(recall(fields), at(9), comment("ann"), at(10)), false, "it came later");
    same(takes(recall(fields), at(9), comment("ann"), at(10, 6)), wanted[0], "it is of an epoch before");
  }
}

export function what_a_higher_role_said_stays() {
  const roles = [undefined, "moderator", "streamer", "admin"];
  for (const [count, role] of roles.entries()) {
    if (role === undefined) continue;
    const taken = roles.map((other) => takes(recall({ role }), at(9), comment("ann", other), at(1)));
    same(taken, roles.map((_, index) => index <= count), role);
  }
}

export function only_what_people_said() {
  const items = [{ k: "announce", text: "a" }, { k: "gift", uid: "u", gift: "g" }, { k: "opened" }, { k: "later" }];
  same(items.map((item) => takes(recall({}), at(9), readItem(item), at(1))), [true, true, false, false]);
}
