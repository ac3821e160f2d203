import { NORMAL_SIZE, Refusal, WHITE, decode, encode, isId, newId, readItem } from "/sdk/protocol.js";
import { dice, holds, same, throws } from "./assert.js";

const golden = await (await fetch("/golden/frames.json")).json();
const of = (side) => golden.filter((one) => one.side === side);

export function what_the_service_says_is_read() {
  holds(of("server").length > 10, "there are golden frames");
  for (const { name, frame, json_text: text } of of("server")) same(decode(text), [frame], name);
}

export function what_the_page_says_is_as_the_service_expects() {
  holds(of("client").length > 5, "there are golden frames");
  for (const { name, frame, json_text: text } of of("client")) {
    const { t, id, ...fields } = frame;
    holds(encode({ t, id, ...fields }) === text, name);
  }
}

export function every_item_is_understood() {
  for (const { name, frame } of of("item")) holds(readItem(frame).kind !== "unknown", name);
}

export function several_frames_in_one_message() {
  const texts = of("server").map((one) => one.json_text);
  same(decode(`${texts.join("\n")}\n`), of("server").map((one) => one.frame));
  same(decode(""), []);
}

export function what_a_later_version_says_is_left_out() {
  same(decode('{"t":"hologram","room":"demo"}\n{"t":"ok","id":3}\n{"t":"toString"}\nnull\n7'), [{ t: "ok", id: 3 }]);
}

export function what_is_no_frame_is_refused() {
  for (const text of [
    "{", "hello", '{"t":"ok"}', '{"t":"batch","room":"demo","epoch":1,"seq":1,"at":1,"items":{}}',
    '{"t":"skip","room":"demo","epoch":1,"from":1}', '{"t":"stats","room":3,"epoch":1,"seq":1,"viewers":1,"likes":0}',
    '{"t":"err","id":1,"code":"4000","error":"x","message":""}', '{"t":"notice"}',
  ]) throws(() => decode(text), text);
}

export function an_item_gets_its_defaults() {
  same(readItem({ k: "c", uid: "u1", name: "ann", text: "hi" }), {
    kind: "comment", uid: "u1", name: "ann", text: "hi", mode: "scroll", color: WHITE, size: NORMAL_SIZE, role: "",
  });
}

export function an_odd_item_does_no_harm() {
  same(readItem({ k: "c", uid: 7, text: null, mode: "spin", color: 2 ** 40, size: 9999, role: {} }), {
    kind: "comment", uid: "", name: "", text: "", mode: "scroll", color: WHITE, size: 64, role: "",
  });
  same(readItem({ k: "c", uid: "u", name: "n", text: "t", color: -3, size: "big" }).color, 0);
  same(readItem({ k: "gift", uid: "u", name: "n", gift: "rose", count: 0.5 }).count, 1);
  for (const item of [{ k: "hologram" }, {}, null, 7, "x"]) same(readItem(item).kind, "unknown");
}

export function a_refusal_keeps_what_was_said() {
  const refusal = Refusal.of({ t: "err", id: 4, code: 4290, error: "slow_mode", message: "wait", retry_ms: 2500 });
  same([refusal.name, refusal.message, refusal.retryMs, refusal.retryable], ["slow_mode", "wait", 2500, true]);
  same(new Refusal("banned", "no").retryable, false);
}

export function ids() {
  const made = Array.from({ length: 100 }, newId);
  same([new Set(made).size, made.every(isId)], [100, true]);
  same(["lobby", "a".repeat(64), "A-b_9"].map(isId), [true, true, true]);
  same(["", "a b", "a".repeat(65), "é", "a\n", "../x"].map(isId), [false, false, false, false, false, false]);
}

export function a_refusal_of_a_later_version_may_be_tried_again_when_it_says_when() {
  const refusal = Refusal.of({ t: "err", id: 4, code: 4299, error: "of_tomorrow", message: "wait", retry_ms: 10 });
  same([refusal.retryable, new Refusal("of_tomorrow", "no").retryable], [true, false]);
}

export function nothing_that_a_service_may_say_breaks_the_page() {
  const odd = ["", "}", "[", ",", "null", "-1", "1e999", '"\\ud800"', "[[[[[[[[", '{"k":{}}', "\n", "\u0000"];
  for (let seed = 1; seed <= 300; seed += 1) {
    const random = dice(seed);
    const { json_text: good } = golden[Math.floor(random() * golden.length)];
    const [from, to] = [random(), random()].map((place) => Math.floor(place * good.length)).sort((a, b) => a - b);
    const text = good.slice(0, from) + odd[Math.floor(random() * odd.length)] + good.slice(random() < 0.5 ? from : to);
    let frames = [];
    try {
      frames = decode(text);
    } catch (error) {
      holds(error instanceof Error, `seed ${seed}`);
    }
    for (const frame of frames) {
      holds(typeof frame.t === "string", `seed ${seed}`);
      for (const item of frame.items ?? []) holds(typeof readItem(item).kind === "string", `seed ${seed}`);
    }
  }
  const deep = `{"t":"batch","room":"r","epoch":1,"seq":1,"at":1,"items":[${"[".repeat(5000)}${"]".repeat(5000)}]}`;
  same(readItem(decode(deep)[0].items[0]).kind, "unknown");
}
