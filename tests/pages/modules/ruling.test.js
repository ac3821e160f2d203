import { Ruling } from "/shared/ruling.js";
import { same } from "./assert.js";

/** @param {number} seq */
const at = (seq) => ({ epoch: 5, seq });
const OPEN = { slow_s: 0, emoji_only: false };

export function what_changes_is_told_against_what_held() {
  const ruling = new Ruling();
  ruling.hold(OPEN, at(100));
  same(ruling.change({ ...OPEN, slow_s: 7 }, at(101)), "New rules here: slow mode, 7 s between two comments");
  same(ruling.change({ ...OPEN, slow_s: 7, emoji_only: true }, at(102)), "New rules here: emoji only");
  same(ruling.change({ ...OPEN, slow_s: 7, emoji_only: true }, { epoch: 6, seq: 1 }), "");
}

export function history_is_told_against_what_held_then() {
  const ruling = new Ruling();
  ruling.hold({ slow_s: 7, emoji_only: true }, at(100));
  same(ruling.change({ ...OPEN, slow_s: 7 }, at(50)), ""); // nobody knows what was before
  same(ruling.change({ slow_s: 7, emoji_only: true }, at(60)), "New rules here: emoji only");
  same(ruling.change(OPEN, at(110)), "New rules here: no slow mode any more, not only emoji");
}

export function what_was_missed_is_told_against_what_held_before() {
  const ruling = new Ruling();
  ruling.hold(OPEN, at(100));
  ruling.hold({ slow_s: 7, emoji_only: true }, at(200));
  same(ruling.change({ ...OPEN, slow_s: 7 }, at(150)), "New rules here: slow mode, 7 s between two comments");
  same(ruling.change({ slow_s: 7, emoji_only: true }, at(160)), "New rules here: emoji only");
}
