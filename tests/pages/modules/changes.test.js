import { changeInWords, letsSpeak, sendsAway } from "/chat/changes.js";
import en from "/chat/words.en.js";
import { learn } from "/shared/language.js";
import { same } from "./assert.js";

learn({ en });

const change = (from, more) => ({ t: "chat", conv: "g:team", seq: 1, from, at: 1, kind: "member", change: more });

export function who_leaves_or_is_sent_away_is_no_member_any_more() {
  same([sendsAway(change("ann", { verb: "leave" }), "ann"), sendsAway(change("bob", { verb: "kick", uid: "ann" }), "ann")], [true, true]);
  same([sendsAway(change("bob", { verb: "leave" }), "ann"), sendsAway(change("bob", { verb: "kick", uid: "cid" }), "ann")], [false, false]);
  same(sendsAway({ t: "chat", conv: "g:team", seq: 1, from: "ann", at: 1, kind: "message", body: [] }, "ann"), false);
}

export function who_is_unmuted_may_speak_again_alone_or_with_all() {
  const says = (more) => letsSpeak(change("bob", more), "ann");
  same([says({ verb: "unmute", uid: "ann" }), says({ verb: "unmute_all" })], [true, true]);
  same([says({ verb: "unmute", uid: "cid" }), says({ verb: "mute", uid: "ann" })], [false, false]);
}

export function a_mute_in_a_group_says_for_how_long() {
  same(changeInWords("ann", { verb: "mute", uid: "bob", seconds: 600 }), "ann muted bob for 10 min");
  same(changeInWords("ann", { verb: "mute", uid: "bob", seconds: null }), "ann muted bob");
}
