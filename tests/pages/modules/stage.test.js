import { Stage } from "/overlay/stage.js";
import { oneLine } from "/overlay/sprites.js";
import { Ticker } from "/overlay/ticker.js";
import { holds, same } from "./assert.js";

const LOOK = { isOn: true, area: 1, opacity: 1, scale: 1, seconds: 8, isStill: false };

function stageOf(look = {}, width = 800, height = 400) {
  const canvas = document.createElement("canvas");
  canvas.getContext("2d", { willReadFrequently: true }); // which these tests do, and a page does not
  const stage = new Stage(canvas, { ...LOOK, ...look });
  stage.resize(width, height, 1);
  return { canvas, stage };
}

function comment(text, more = {}) {
  return { kind: "comment", uid: "u", name: "n", text, mode: "scroll", color: 0xffffff, size: 25, role: "", ...more };
}

/** Where something is drawn: the left and top edge of it, null when nothing is. */
function inked(canvas) {
  const { data, width } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let left = Infinity;
  let top = Infinity;
  for (let index = 3; index < data.length; index += 4) {
    if (data[index] === 0) continue;
    const pixel = (index - 3) / 4;
    left = Math.min(left, pixel % width);
    top = Math.min(top, Math.floor(pixel / width));
  }
  return left === Infinity ? null : { left, top };
}

function run(stage, seconds) {
  for (let frame = 0; frame < seconds * 60; frame += 1) stage.draw(1 / 60);
}

export function a_comment_flies_from_right_to_left_and_is_gone() {
  const { canvas, stage } = stageOf();
  stage.show(comment("hello"), false);
  run(stage, 1);
  const early = inked(canvas);
  run(stage, 3);
  const late = inked(canvas);
  holds(early && late && early.left > 600 && late.left < early.left - 200, JSON.stringify([early, late]));
  run(stage, 5);
  same([stage.count, inked(canvas)], [0, null]);
}

export function the_other_modes_stand_at_their_edge() {
  for (const [mode, isThere] of [["top", (y) => y < 40], ["bottom", (y) => y > 340]]) {
    const { canvas, stage } = stageOf();
    stage.show(comment("hello", { mode }), false);
    run(stage, 1);
    const first = inked(canvas);
    run(stage, 1);
    same(inked(canvas), first, `${mode} stands still`);
    holds(first && isThere(first.top) && first.left > 200, `${mode} is where it belongs`);
    run(stage, 4);
    same(stage.count, 0);
  }
}

export function nothing_flies_for_those_who_want_no_motion() {
  const { canvas, stage } = stageOf({ isStill: true });
  stage.show(comment("hello"), false);
  run(stage, 1);
  const first = inked(canvas);
  run(stage, 1);
  same(inked(canvas), first);
  holds(first !== null, "it is shown all the same");
}

export function the_picture_is_never_too_full() {
  const { stage } = stageOf({}, 1900, 1000);
  let most = 0;
  for (let frame = 0; frame < 900; frame += 1) {
    for (let count = 0; count < 5; count += 1) stage.show(comment("66"), false);
    stage.draw(1 / 60);
    most = Math.max(most, stage.count);
  }
  holds(most > 200 && most <= 240, `${most} on the stage`);
}

export function half_the_height_is_left_alone() {
  const { canvas, stage } = stageOf({ area: 0.5 });
  for (let count = 0; count < 60; count += 1) stage.show(comment("hello"), false);
  run(stage, 2);
  const { data } = canvas.getContext("2d").getImageData(0, 200, canvas.width, 200);
  same(data.every((value) => value === 0), true);
}

export function turned_off_it_shows_nothing() {
  const { canvas, stage } = stageOf();
  stage.show(comment("hello"), false);
  run(stage, 1);
  stage.configure({ ...LOOK, isOn: false });
  stage.show(comment("hello"), false);
  run(stage, 1);
  same([stage.count, inked(canvas)], [0, null]);
}

export function any_text_and_any_gift_can_be_painted() {
  const { stage } = stageOf();
  for (const text of ["", " ", "\u0000\n\t", "a".repeat(20_000), "👨‍👩‍👧‍👦".repeat(400), "<img onerror=x>", "\u202eabc", "弹幕 🎉"]) {
    stage.show(comment(text, { size: 64, color: 0, role: "streamer" }), true);
    stage.show({ kind: "gift", uid: "u", name: text, gift: text, count: 9, text }, false);
  }
  run(stage, 2);
  holds(stage.count > 3, "they fly");
}

export function a_long_text_is_cut_where_a_character_ends() {
  same(oneLine("  a\n b\t\tc "), "a b c");
  same(Array.from(oneLine("🎉".repeat(500))).length, 121);
  holds(!/[\ud800-\udbff](?![\udc00-\udfff])/u.test(oneLine("🎉".repeat(500))), "no half characters");
}

export function own_comments_go_first() {
  const { stage } = stageOf({}, 800, 36);
  for (let count = 0; count < 20; count += 1) stage.show(comment("somebody else said this"), false);
  run(stage, 0.1);
  stage.show(comment("mine"), true);
  const before = stage.count;
  run(stage, 4);
  holds(stage.count > before, "it found the next free place");
}

export async function while_the_tab_is_hidden_nothing_is_drawn() {
  let frames = 0;
  new Ticker(() => (frames += 1)).start();
  const turn = (hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  };
  const someFrames = () => new Promise((done) => {
    let left = 5;
    const next = () => ((left -= 1) > 0 ? requestAnimationFrame(next) : done());
    requestAnimationFrame(next);
  });
  await someFrames();
  holds(frames > 0, "it is drawn while somebody looks");
  turn(true);
  const then = frames;
  await someFrames();
  same(frames, then);
  turn(false);
  await someFrames();
  holds(frames > then, "it goes on");
}

export function what_was_taken_back_is_wiped_away() {
  const { canvas, stage } = stageOf();
  stage.show(comment("bad", { uid: "ann" }), false);
  stage.show(comment("bad", { uid: "ann", mode: "top" }), false);
  run(stage, 1);
  holds(stage.count === 2 && inked(canvas), "both are there");
  stage.show(comment("bad", { uid: "ann" }), false);
  stage.recall((event) => event.uid === "ann");
  run(stage, 0.1);
  same([stage.count, inked(canvas)], [0, null]);
}
