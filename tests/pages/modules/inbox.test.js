import { Inbox, gist, isOwn, mentioned, privately, webAddress } from "/chat/inbox.js";
import en from "/chat/words.en.js";
import { learn } from "/shared/language.js";
import { same } from "./assert.js";

learn({ en });

const CONV = "g:team";
const message = (seq, from, more = {}) =>
  ({ t: "chat", conv: CONV, seq, from, at: seq, kind: "message", cid: `c${seq}`, body: [], ...more });
const counts = (inbox) => [inbox.find(CONV).unread, inbox.find(CONV).mentions];

export function what_others_said_is_unread_until_it_is_read() {
  const inbox = new Inbox("ann");
  inbox.shown(message(1, "ann"));
  inbox.shown(message(2, "bob"));
  inbox.shown(message(3, "bob", { mention: ["ann"] }));
  inbox.shown(message(4, "bob", { kind: "member", change: { verb: "rename", name: "crew" } }));
  same([counts(inbox), inbox.unread, inbox.find(CONV).name], [[2, 1], 2, "crew"]);
  inbox.read(CONV, "ann", 4);
  inbox.read(CONV, "ann", 2);
  same([counts(inbox), inbox.find(CONV).readSeq], [[0, 0], 4]);
}

export function what_the_service_counted_is_not_counted_again_when_it_is_shown() {
  const inbox = new Inbox("ann");
  inbox.synced([{ conv: CONV, last_seq: 3, read_seq: 1, unread: 2, mentions: 1, name: "team", role: "member" }]);
  for (const seq of [2, 3, 4]) inbox.shown(message(seq, "bob", { mention: "all" }));
  same(counts(inbox), [3, 2]);
}

export function what_was_read_here_stays_read_though_the_service_does_not_know_yet() {
  const inbox = new Inbox("ann");
  inbox.shown(message(1, "bob"));
  inbox.read(CONV, "ann", 1);
  inbox.synced([{ conv: CONV, last_seq: 1, read_seq: 0, unread: 1 }]);
  same(counts(inbox), [0, 0]);
}

export function a_group_that_is_not_named_any_more_is_gone_but_not_one_that_was_just_opened() {
  const inbox = new Inbox("ann");
  inbox.shown(message(1, "bob"));
  inbox.open("p:ann:bob");
  inbox.synced([]);
  same(inbox.list.map((one) => [one.conv, one.name]), [["p:ann:bob", "bob"]]);
}

export function a_recalled_last_message_is_not_in_the_list_any_more() {
  const inbox = new Inbox("ann");
  inbox.shown(message(1, "bob", { body: [{ type: "text", text: "secret" }] }));
  same(gist(inbox.find(CONV).last, "ann"), "bob: secret");
  inbox.shown(message(2, "bob", { kind: "recall", of: 1 }));
  same(gist(inbox.find(CONV).last, "ann"), "bob took a message back");
}

export function the_other_one_reads_and_that_never_goes_back() {
  const inbox = new Inbox("bob");
  const conv = privately("bob", "ann");
  same(conv, "p:ann:bob");
  inbox.open(conv);
  inbox.read(conv, "ann", 5);
  inbox.read(conv, "ann", 3);
  same([inbox.find(conv).otherRead, inbox.find(conv).readSeq], [5, 0]);
  inbox.synced([{ conv, last_seq: 9, read_seq: 0, unread: 4, other_read_seq: 7 }]);
  same([inbox.find(conv).otherRead, inbox.find(conv).readSeq], [7, 0]);
  inbox.synced([{ conv, last_seq: 9, read_seq: 0, unread: 4 }]);
  same(inbox.find(conv).otherRead, 7);
}

export function only_members_are_mentioned() {
  same(mentioned("hi @bob, @eve and mail@cid", ["bob", "cid"]), ["bob"]);
  same(mentioned("@all listen", ["bob"]), "all");
  same(mentioned("nobody", ["bob"]), null);
}

export function an_address_is_of_the_web_or_none() {
  same(["https://a.example/x.png", "javascript:alert(1)", "data:image/png,", "x", `https://a/${"x".repeat(2048)}`].map(
    (value) => webAddress(value)?.href ?? null,
  ), ["https://a.example/x.png", null, null, null, null]);
}

export function only_ones_own_conversations_are_opened_from_an_address() {
  const names = ["p:ann:bob", "g:team", "p:bob:ann", "p:bob:cid", "g:", "x", "", "p:ann:<b>"];
  same(names.filter((conv) => isOwn(conv, "ann")), ["p:ann:bob", "g:team"]);
}

export function a_group_one_is_sent_away_from_stays_as_long_as_it_is_looked_at() {
  const inbox = new Inbox("ann");
  const standing = () => [inbox.find(CONV)?.over, inbox.find(CONV)?.isGone];
  inbox.synced([{ conv: CONV, last_seq: 3, read_seq: 3, unread: 0, name: "The team" }]);
  inbox.shown(message(4, "bob", { kind: "member", change: { verb: "kick", uid: "ann" } }));
  same(standing(), ["bob sent you away from The team", true]);
  inbox.synced([{ conv: CONV, last_seq: 3, read_seq: 3, unread: 0, name: "The team" }], CONV); // from before that
  inbox.synced([], CONV);
  same(standing(), ["bob sent you away from The team", true]);
  inbox.synced([{ conv: CONV, last_seq: 5, read_seq: 5, unread: 0, name: "The team" }], CONV);
  same(standing(), ["", false]);
  inbox.synced([], CONV);
  same(standing(), ["You are no longer a member of The team", true]);
  inbox.shown(message(6, "bob", { kind: "member", change: { verb: "invite", uids: ["ann"] } }));
  same(standing(), ["", false]);
  inbox.synced([]);
  same(standing(), [undefined, undefined]);
}

export function a_group_that_was_left_does_not_come_back_with_word_of_it() {
  const inbox = new Inbox("ann");
  inbox.shown(message(1, "bob"));
  inbox.drop(CONV);
  inbox.shown(message(2, "ann", { kind: "member", change: { verb: "leave" } }));
  same(inbox.list, []);
}

export function nothing_is_said_any_more_in_a_group_that_was_dissolved() {
  const inbox = new Inbox("ann");
  inbox.shown(message(1, "bob", { kind: "member", change: { verb: "dissolve" } }));
  inbox.shown(message(2, "cid", { kind: "member", change: { verb: "leave" } }));
  inbox.synced([{ conv: CONV, last_seq: 2, read_seq: 2, unread: 0 }]);
  same([inbox.find(CONV).over, inbox.find(CONV).isGone], ["The group was dissolved", false]);
}
