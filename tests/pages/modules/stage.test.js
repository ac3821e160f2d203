import { readComment } from "/overlay/comment.js";
import { BOUNDS, DEFAULTS, settled } from "/overlay/options.js";
import { Stage } from "/overlay/stage.js";
import { dice, holds, same, throws } from "./assert.js";

const WIDE = 100;

/** A stage whose comments are as wide as they say. */
function stageOf(options = {}, width = 800, height = 400) {
  const stage = new Stage(settled(DEFAULTS, { isStill: false, ...options }), ({ comment }, { base }) => ({
    width: comment.wide ?? WIDE, height: comment.tall ?? base,
  }));
  stage.resize(width, height);
  return stage;
}

function push(stage, more = {}) {
  stage.push(readComment({ text: "a", ...more }));
}

function run(stage, seconds) {
  for (let frame = 0; frame < seconds * 60; frame += 1) stage.step(1 / 60);
}

/** @param {Stage} stage @param {string} about */
function apart(stage, about) {
  for (const [index, one] of stage.shown.entries()) {
    for (const other of stage.shown.slice(0, index)) {
      const isSameKind = (one.flight === null) === (other.flight === null) && (one.flight !== null || one.entry.mode === other.entry.mode);
      const isBeside = one.place.y + one.height <= other.place.y || other.place.y + other.height <= one.place.y;
      if (!isSameKind || isBeside) continue;
      const [left, right] = [stage.leftOf(other), stage.leftOf(one)];
      holds(left + other.width < right || right + one.width < left, `${about}: two comments lie upon each other`);
    }
  }
}

export function whatever_is_pushed_picked_and_let_go_no_two_of_a_kind_meet() {
  for (let seed = 1; seed <= 30; seed += 1) {
    const random = dice(seed);
    const stage = stageOf({ seconds: 2 + random() * 8, patience: 1 }, 300 + random() * 1200, 60 + random() * 500);
    let pushed = 0;
    for (let frame = 0; frame < 500; frame += 1) {
      while (random() < 0.4) {
        pushed += 1;
        push(stage, { wide: 10 + random() ** 3 * 2000, tall: 12 + random() * 60, mode: ["scroll", "scroll", "top", "bottom"][Math.floor(random() * 4)] });
      }
      if (random() < 0.03) stage.pick(stage.shown[Math.floor(random() * stage.shown.length)] ?? null);
      else if (random() < 0.02) stage.pick(null);
      stage.step(random() * 0.05);
      apart(stage, `seed ${seed}, frame ${frame}`);
    }
    const { admitted, waiting, dropped } = stage.figures;
    same(pushed, admitted + waiting + dropped.plain, `seed ${seed}: each was shown, waits or is counted`);
    holds(admitted > 20, `only ${admitted} were shown`);
  }
}

export function who_is_picked_stands_still_and_those_behind_wait() {
  const stage = stageOf({}, 800, 30);
  push(stage);
  run(stage, 2);
  push(stage);
  run(stage, 1);
  const [first, second] = stage.shown;
  const before = [first, second].map((one) => stage.leftOf(one));
  stage.pick(second);
  run(stage, 1);
  holds(Math.abs(stage.leftOf(second) - before[1]) < 1e-6 && stage.leftOf(first) < before[0] - 50, "the one before flies on");
  stage.pick(first);
  const then = [first, second].map((one) => stage.leftOf(one));
  run(stage, 30);
  same([first, second].map((one) => Math.round(stage.leftOf(one) - then[[first, second].indexOf(one)])), [0, 0]);
  stage.pick(null);
  run(stage, 20);
  same(stage.shown.length, 0);
}

export function who_stands_is_picked_for_as_long_as_one_likes() {
  const stage = stageOf({}, 800, 30);
  push(stage, { mode: "top" });
  run(stage, 1);
  const [one] = stage.shown;
  same(stage.at(400, 10), one);
  same([stage.at(400, 60), stage.at(5, 10), stage.at(400, 35, 20)], [null, null, one]);
  stage.pick(one);
  push(stage, { mode: "top" });
  run(stage, 20);
  same([stage.shown.length, stage.picked, stage.figures.dropped.plain], [1, one, 1]);
  stage.pick(null);
  run(stage, 5);
  same(stage.shown.length, 0);
  stage.pick(one);
  same(stage.picked, null);
}

export function a_long_one_is_faster_and_all_cross_in_the_same_time() {
  const stage = stageOf({ seconds: 5 });
  push(stage, { wide: 50 });
  push(stage, { wide: 1500 });
  run(stage, 4.9);
  same(stage.shown.length, 2);
  run(stage, 0.3);
  same(stage.shown.length, 0);
}

export function the_picture_is_never_too_full_and_what_is_left_out_is_counted_by_rank() {
  const stage = stageOf({ most: 50, mostWaiting: 20 }, 1900, 1000);
  for (let frame = 0; frame < 600; frame += 1) {
    for (let count = 0; count < 17; count += 1) push(stage, { wide: 30 });
    if (frame % 60 === 0) push(stage, { isOwn: true, wide: 30 });
    stage.step(1 / 60);
    holds(stage.shown.length <= 60 && stage.figures.waiting <= 20, "bounded");
  }
  const { admitted, shown, dropped } = stage.figures;
  holds(shown >= 50 && admitted > 60, `${shown} of ${admitted} on the stage`);
  holds(dropped.plain > 9000 && dropped.own === 0, JSON.stringify(dropped));
}

export function their_pictures_together_are_bounded() {
  const stage = stageOf({ most: 1000, mostWaiting: 1000 }, 3000, 3000);
  for (let count = 0; count < 1000; count += 1) push(stage, { wide: 3000, tall: 90, mode: count % 2 ? "scroll" : "top" });
  run(stage, 1);
  const area = stage.shown.reduce((sum, one) => sum + one.width * one.height, 0);
  holds(area > 3_000_000 && area <= 4_000_000, `${area} pixels`);
}

export function own_comments_then_staff_then_what_is_paid_go_first() {
  const stage = stageOf({ most: 1, patience: 60, seconds: 1 });
  const pushed = [{}, { style: "gift" }, { isStaff: true }, { style: "paid" }, { isOwn: true }, {}];
  for (const more of pushed) push(stage, more);
  const seen = [];
  for (let frame = 0; frame < 600; frame += 1) {
    stage.step(1 / 60);
    for (const one of stage.shown) if (!seen.includes(one)) seen.push(one);
  }
  same(seen.map((one) => one.entry.rank), ["own", "staff", "paid", "paid", "plain", "plain"]);
}

export function when_too_many_wait_the_oldest_of_the_least_goes() {
  const stage = stageOf({ most: 1, mostWaiting: 3, patience: 60, seconds: 1 });
  push(stage, { isOwn: true });
  stage.step(1 / 60);
  for (const text of ["one", "two", "three"]) push(stage, { text });
  push(stage, { text: "boss", isStaff: true });
  push(stage, { text: "four" });
  const seen = [];
  for (let frame = 0; frame < 600; frame += 1) {
    stage.step(1 / 60);
    for (const { entry } of stage.shown) if (!seen.includes(entry.text)) seen.push(entry.text);
  }
  same(seen, ["a", "boss", "three", "four"]);
  same(stage.figures.dropped, { own: 0, staff: 0, paid: 0, plain: 2 });
}

export function turned_off_or_of_a_mode_that_is_not_wanted_nothing_is_shown() {
  const stage = stageOf();
  push(stage);
  push(stage, { mode: "top" });
  run(stage, 1);
  stage.configure(settled(DEFAULTS, { modes: ["top"], isStill: false }));
  same(stage.shown.map(({ entry }) => entry.mode), ["top"]);
  push(stage);
  run(stage, 1);
  same([stage.shown.length, stage.figures.dropped.plain], [1, 1]);
  stage.configure(settled(DEFAULTS, { isOn: false }));
  push(stage);
  run(stage, 1);
  same([stage.shown.length, stage.figures.dropped.plain, stage.isEmpty], [0, 2, true]);
}

export function another_look_that_changes_no_place_leaves_everything_there() {
  const stage = stageOf();
  for (const mode of ["scroll", "top"]) push(stage, { mode });
  run(stage, 1);
  stage.configure(settled(DEFAULTS, { opacity: 0.5, isStill: false }));
  stage.resize(800, 400);
  same(stage.shown.length, 2);
  stage.resize(800, 380);
  same(stage.shown.map(({ flight }) => flight !== null), [true]);
  stage.configure(settled(DEFAULTS, { scale: 2, isStill: false }));
  same([stage.shown.length, stage.base], [0, 42]);
}

export function a_stage_of_no_height_keeps_nothing() {
  const stage = stageOf({}, 800, 0);
  for (let count = 0; count < 100; count += 1) push(stage);
  same([stage.isEmpty, stage.figures.dropped.plain], [true, 100]);
}

export function after_a_long_frame_nothing_has_jumped() {
  const stage = stageOf();
  push(stage);
  stage.step(0);
  const before = stage.leftOf(stage.shown[0]);
  stage.step(3600);
  stage.step(-5);
  holds(before - stage.leftOf(stage.shown[0]) < 20, "a tab that slept goes on where it was");
}

export function options_are_kept_within_their_bounds_and_odd_ones_are_refused_by_name() {
  for (const [name, [least, most]] of Object.entries(BOUNDS)) {
    same([settled(DEFAULTS, { [name]: -1e9 })[name], settled(DEFAULTS, { [name]: 1e9 })[name]], [least, most]);
    holds(DEFAULTS[name] >= least && DEFAULTS[name] <= most, name);
  }
  same(settled(DEFAULTS, { modes: ["bottom", "scroll"] }).modes, ["scroll", "bottom"]);
  for (const odd of [{ speed: 3 }, { area: "1" }, { area: NaN }, { isOn: 1 }, { modes: "top" }, { modes: ["spin"] }, { isStill: 0 }, { toString: 1 }]) {
    throws(() => settled(DEFAULTS, odd), JSON.stringify(odd));
  }
}
