import { Canvas } from "/overlay/canvas.js";
import { oneLine, readComment } from "/overlay/comment.js";
import { Hearts } from "/overlay/hearts.js";
import { DEFAULTS, settled } from "/overlay/options.js";
import { Painter } from "/overlay/sprites.js";
import { Stage } from "/overlay/stage.js";
import { Ticker } from "/overlay/ticker.js";
import { holds, same } from "./assert.js";

/** A stage and the canvas it is drawn on, without a clock. */
class Show {
  element = document.createElement("canvas");
  hearts = new Hearts();

  constructor(options = {}, { width = 800, height = 400, ratio = 1 } = {}) {
    this.element.getContext("2d", { willReadFrequently: true }); // which these tests do, and a page does not
    this.options = settled(DEFAULTS, options);
    const painter = new Painter();
    this.stage = new Stage(this.options, (entry, look) => painter.measure(entry, look));
    this.canvas = new Canvas(this.element, painter);
    this.canvas.resize(width, height, ratio);
    this.stage.resize(width, height);
  }

  push(text, more = {}) {
    this.stage.push(readComment({ text, ...more }));
  }

  run(seconds) {
    for (let frame = 0; frame < seconds * 60; frame += 1) {
      this.stage.step(1 / 60);
      this.canvas.draw(this.stage, this.hearts, this.options, 1 / 60);
    }
  }

  /** Where something is drawn: the left and top edge of it, null when nothing is. */
  get ink() {
    const { width, height } = this.element;
    const { data } = this.element.getContext("2d").getImageData(0, 0, width, height);
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
}

export function a_comment_flies_from_right_to_left_and_is_gone() {
  const show = new Show();
  show.push("hello");
  show.run(1);
  const early = show.ink;
  show.run(3);
  const late = show.ink;
  holds(early && late && early.left > 600 && late.left < early.left - 200, JSON.stringify([early, late]));
  show.run(6);
  same([show.stage.shown.length, show.ink], [0, null]);
}

export function the_other_modes_stand_at_their_edge() {
  for (const [mode, isThere] of [["top", (y) => y < 40], ["bottom", (y) => y > 340]]) {
    const show = new Show();
    show.push("hello", { mode });
    show.run(1);
    const first = show.ink;
    show.run(1);
    same(show.ink, first, `${mode} stands still`);
    holds(first && isThere(first.top) && first.left > 200, `${mode} is where it belongs`);
    show.run(4);
    same(show.stage.shown.length, 0);
  }
}

export function for_those_who_want_no_motion_comments_fade_in_and_out_in_their_place() {
  const show = new Show({ isStill: true });
  show.push("hello");
  show.run(0.1);
  const [one] = show.stage.shown;
  const early = show.stage.fadeOf(one);
  show.run(1);
  const first = show.ink;
  holds(early < 1 && show.stage.fadeOf(one) === 1, `it comes slowly: ${early}`);
  show.run(1);
  same(show.ink, first);
  show.run(4);
  same(show.ink, null);
}

export function half_the_height_is_left_alone() {
  const show = new Show({ area: 0.5 });
  for (let count = 0; count < 60; count += 1) show.push("hello", { mode: ["scroll", "top", "bottom"][count % 3] });
  show.run(2);
  const { data } = show.element.getContext("2d").getImageData(0, 200, 800, 200);
  same(data.every((value) => value === 0), true);
}

export function what_stands_fits_whatever_was_said() {
  const show = new Show({}, { width: 320, height: 200 });
  for (const mode of ["top", "bottom"]) show.push("弹幕".repeat(60), { mode, size: 64 });
  show.push("W".repeat(100), { mode: "top", style: "paid", label: "somebody with a long name" });
  show.run(1);
  same(show.stage.shown.length, 3);
  for (const one of show.stage.shown) {
    holds(one.width <= 320 && show.stage.leftOf(one) >= 0, `${one.entry.text} is ${one.width} wide`);
    holds(one.entry.text.endsWith("…"), "one sees that it was cut");
  }
}

export function any_text_in_any_style_can_be_painted() {
  const show = new Show();
  for (const text of ["", " ", "\u0000\n\t", "a".repeat(20_000), "👨‍👩‍👧‍👦".repeat(400), "<img onerror=x>", "\u202eabc", "弹幕 🎉", null, 5]) {
    show.push(text, { size: 64, color: 0, isStaff: true, isOwn: true });
    for (const style of ["paid", "gift"]) show.push(text, { label: text, style });
  }
  show.run(2);
  holds(show.stage.shown.length > 3, "they fly");
}

export function odd_fields_do_no_harm() {
  const read = readComment({ text: "a", mode: "spin", color: -1, size: "9", style: "x" });
  same([read.mode, read.color, read.size, read.style, read.rank], ["scroll", 0, 25, "plain", "plain"]);
  same([{ isOwn: true, isStaff: true }, { isStaff: true }, { style: "gift" }, { style: "paid" }].map(
    (more) => readComment({ text: "a", ...more }).rank,
  ), ["own", "staff", "paid", "paid"]);
}

export function a_long_text_is_cut_where_a_character_ends() {
  same(oneLine("  a\n b\t\tc "), "a b c");
  same(Array.from(oneLine("🎉".repeat(500))).length, 121);
  holds(!/[\ud800-\udbff](?![\udc00-\udfff])/u.test(oneLine("🎉".repeat(500))), "no half characters");
}

export function no_text_turns_round_what_stands_beside_it() {
  same(oneLine("\u202eabc\u2066d"), "abcd");
  same(readComment({ text: "5$ tip", label: "eve\u2069\u202e" }).text, "\u2068eve\u2069  ·  \u20685$ tip\u2069");
}

export function what_was_taken_back_is_wiped_away() {
  const show = new Show();
  for (const mode of ["scroll", "top"]) show.push("bad", { uid: "ann", mode });
  show.run(1);
  holds(show.stage.shown.length === 2 && show.ink, "both are there");
  show.push("bad", { uid: "ann" });
  show.stage.remove(({ comment }) => comment.uid === "ann");
  show.run(0.1);
  same([show.stage.shown.length, show.ink], [0, null]);
}

export function a_finer_screen_gets_finer_pictures() {
  const show = new Show({}, { ratio: 2 });
  show.push("hello", { mode: "bottom" });
  show.run(1);
  same([show.element.width, show.element.height], [1600, 800]);
  holds(show.ink.top > 680 && show.ink.left > 600, JSON.stringify(show.ink));
}

export function hearts_rise_and_are_few_however_many_likes() {
  const show = new Show();
  for (let count = 0; count < 100; count += 1) show.hearts.add(1000);
  holds(show.hearts.count > 20 && show.hearts.count <= 36, `${show.hearts.count} hearts`);
  show.run(1);
  holds(show.ink.left > 600, "they rise at the right");
  show.run(4);
  same([show.hearts.count, show.ink], [0, null]);
}

/** @param {boolean} isHidden */
function turn(isHidden) {
  Object.defineProperty(document, "hidden", { value: isHidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}

function someFrames() {
  return new Promise((done) => {
    let left = 5;
    const next = () => ((left -= 1) > 0 ? requestAnimationFrame(next) : done());
    requestAnimationFrame(next);
  });
}

export async function while_the_tab_is_hidden_nothing_is_drawn() {
  let frames = 0;
  const ticker = new Ticker(() => void (frames += 1));
  ticker.start();
  await someFrames();
  holds(frames > 0, "it is drawn while somebody looks");
  turn(true);
  const then = frames;
  await someFrames();
  same(frames, then);
  turn(false);
  await someFrames();
  holds(frames > then, "it goes on");
  ticker.end();
}

export async function who_rests_is_not_asked_until_he_starts() {
  let frames = 0;
  const ticker = new Ticker(() => (frames += 1) < 2);
  ticker.start();
  await someFrames();
  same(frames, 2);
  ticker.start();
  await someFrames();
  same(frames, 3);
  ticker.end();
  ticker.start();
  await someFrames();
  same(frames, 3);
}
