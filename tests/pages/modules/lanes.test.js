import { Lanes, leavesAt, leftOf } from "/overlay/lanes.js";
import { dice, holds, same } from "./assert.js";

const LANE = 36;
const GAP = 24;

export function a_later_one_never_touches_an_earlier_one() {
  for (let seed = 1; seed <= 40; seed += 1) crowd(dice(seed), seed);
}

/** @param {() => number} random @param {number} seed */
function crowd(random, seed) {
  const width = 300 + random() * 1600;
  const height = 60 + random() * 900;
  const lanes = new Lanes(LANE, GAP);
  lanes.resize(width, height);
  const flown = [];
  let now = 0;
  let refused = 0;
  for (let count = 0; count < 300; count += 1) {
    now += random() * 0.12;
    const size = { width: 10 + random() ** 3 * 2500, height: 20 + random() * 90 };
    const slot = lanes.fly(size.width, size.height, now, 4 + random() * 8);
    if (slot === null) refused += 1;
    else {
      holds(slot.flight.start === now && slot.flight.origin === width, "it starts now, at the right edge");
      flown.push({ ...slot, height: Math.min(size.height, lanes.count * LANE) });
    }
  }
  holds(flown.length > 5 && flown.length + refused === 300, "some find a place");
  for (const [index, later] of flown.entries()) {
    for (const before of flown.slice(0, index)) {
      if (before.y + before.height > later.y && later.y + later.height > before.y) apart(before.flight, later.flight, seed);
    }
  }
}

/** Both move evenly, so the ends of the time they share decide. */
function apart(before, later, seed) {
  const end = Math.min(leavesAt(before), leavesAt(later));
  for (const time of [later.start, end]) {
    if (time > end) continue;
    const room = leftOf(later, time) - (leftOf(before, time) + before.width);
    holds(room >= GAP - 1e-6, `seed ${seed}: ${room} pixels between two comments`);
  }
}

export function the_same_comment_enters_once_the_one_before_is_in() {
  const lanes = new Lanes(LANE, GAP);
  lanes.resize(1000, LANE);
  holds(lanes.fly(100, 30, 0, 10), "an empty lane is free");
  same(lanes.fly(100, 30, 1, 10), null);
  holds(lanes.fly(100, 30, (100 + GAP) / 110, 10), "its tail and the gap have come in");
}

export function a_faster_one_waits_until_it_cannot_catch_up() {
  const lanes = new Lanes(LANE, GAP);
  lanes.resize(1000, LANE);
  const slow = lanes.fly(50, 30, 0, 10); // 105 pixels a second, gone after 10 s
  holds(slow !== null && lanes.fly(50, 30, 5.3, 5) === null, "it would be there at the same time");
  holds(lanes.fly(50, 30, 5.4, 5), "a moment later it would not");
}

export function a_tall_one_takes_several_lanes() {
  const lanes = new Lanes(LANE, GAP);
  lanes.resize(1000, 3 * LANE);
  same(lanes.fly(50, 2 * LANE, 0, 8)?.y, 0);
  same(lanes.fly(50, 20, 0, 8)?.y, 2 * LANE + (LANE - 20) / 2);
  same(lanes.fly(50, 20, 0, 8), null);
}

export function a_small_picture_still_has_a_lane() {
  const lanes = new Lanes(LANE, GAP);
  lanes.resize(10, 5);
  same(lanes.count, 1);
  holds(lanes.fly(50, 200, 0, 8), "even a tall one finds its place");
}

export function those_that_stand_take_turns() {
  const lanes = new Lanes(LANE, GAP);
  lanes.resize(1000, 3 * LANE);
  const stand = (...given) => lanes.stand(...given)?.y ?? null;
  same([0, 1, 2].map(() => stand("top", LANE, 0, 4)), [0, LANE, 2 * LANE]);
  same(stand("top", LANE, 3.9, 4), null);
  same(stand("top", LANE, 4, 4), 0);
  same([0, 1].map(() => stand("bottom", LANE, 0, 4)), [2 * LANE, LANE]);
  same(stand("bottom", 2 * LANE, 0, 4), null);
  same(stand("bottom", 2 * LANE, 9, 4), LANE);
  const place = lanes.stand("top", LANE, 9, 4);
  lanes.prolong("top", place, 20);
  same([stand("top", 3 * LANE, 13, 4), stand("top", 3 * LANE, 20, 4)], [null, 0]);
}

export function those_that_stand_alone_are_not_over_others() {
  const lanes = new Lanes(LANE, GAP);
  lanes.resize(1000, 3 * LANE);
  same(lanes.stand("bottom", LANE, 0, 4, true)?.y, 2 * LANE);
  same(lanes.stand("top", 2 * LANE, 0, 4, true)?.y, 0);
  same(lanes.stand("top", LANE, 0, 4, true), null);
  same(lanes.stand("bottom", LANE, 3, 4, true), null);
  same(lanes.stand("top", LANE, 3, 4)?.y, 2 * LANE);
  same(lanes.stand("bottom", LANE, 5, 4, true)?.y, LANE);
}

export function what_flies_survives_another_size_and_clear_forgets_it() {
  const lanes = new Lanes(LANE, GAP);
  lanes.resize(1000, LANE);
  lanes.fly(400, 30, 0, 8);
  lanes.resize(500, 2 * LANE);
  holds((lanes.fly(50, 30, 0.5, 8)?.y ?? 0) > LANE, "the first lane is taken, the new one is free");
  lanes.clear();
  holds((lanes.fly(50, 30, 0.5, 8)?.y ?? LANE) < LANE, "after clearing the first lane is free");
}
