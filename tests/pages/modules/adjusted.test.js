import { adjusted, ruled } from "/console/adjusted.js";
import en from "/console/words.en.js";
import { learn } from "/shared/language.js";
import { same } from "./assert.js";

learn({ en });

export function what_was_changed_is_said_in_words() {
  const what = {
    "rooms.window_ms": { was: 50.0, now: 100.0 },
    "policy.links": { was: "show", now: "hold" },
    "edge.origins": { was: ["*"], now: [] },
    "edge.accepts_per_s": { was: 100, back_to: 0 },
  };
  same(
    adjusted("adjust", JSON.stringify(what)),
    'rooms.window_ms: 50 → 100, policy.links: show → hold, edge.origins: ["*"] → [], edge.accepts_per_s: back to 0',
  );
  same(adjusted("roll_back", '{"version":5}'), "version 5");
  same(adjusted("roll_back", '{"version":5,"policy.slow_s":{"now":3,"was":0},"…":2}'), "version 5 (policy.slow_s: 0 → 3, and 2 more)");
  same(adjusted("roll_back", '{"version":0}'), "version 0: nothing is adjusted any more");
}

export function which_rules_of_a_room_were_changed_is_said_as_the_form_has_it() {
  same(ruled('{"review":true,"slow_s":7,"links":"hold","staff_only":null}'), "Review: on, Slow mode: 7, Links: held for review, Mute all: as for all rooms");
  same(ruled('{"review":tr'), '{"review":tr');
}

export function what_a_room_was_set_up_with_is_said_in_words() {
  same(ruled('{"title":"Tea","open":false,"settings":{"slow_s":7,"review":true}}'), "Title: Tea, Door: closed, Slow mode: 7, Review: on");
  same(ruled('{"open":true}'), "Door: open");
}

export function what_is_now_may_come_first() {
  const what = '{"policy.slow_s":{"now":3,"was":0},"policy.links":{"back_to":"show","was":"hold"},"…":12}';
  same(adjusted("adjust", what), "policy.slow_s: 0 → 3, policy.links: back to show, and 12 more");
  same(adjusted("adjust", '{"edge.origins":{"now":["a","…"],"was":"*…"}}'), 'edge.origins: *… → ["a","…"]');
}

export function what_cannot_be_read_is_as_it_is() {
  for (const what of ['{"rooms.window_ms":{"was":50,"n', '{"rooms.window_ms":{"now":50,"w', '{"policy.slow_s":"x"}', ""]) same(adjusted("adjust", what), what);
  same(adjusted("settings", '{"slow_s":3}'), '{"slow_s":3}');
}
