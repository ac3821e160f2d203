import { Overlay } from "/overlay/index.js";
import { holds, same, throws } from "./assert.js";

/** Run `act` with an element in the page, and what lies over it. */
async function over(act, options = {}, element = document.createElement("div")) {
  document.body ?? document.documentElement.append(document.createElement("body"));
  const box = document.createElement("section");
  Object.assign(element.style, { width: "600px", height: "300px", display: "block" });
  box.append(element);
  document.body.append(box);
  const overlay = new Overlay(element, { isStill: false, ...options });
  try {
    await act(overlay, element);
  } finally {
    overlay.destroy();
    box.remove();
    window.scrollTo(0, 0);
  }
}

/** @param {() => unknown} condition */
async function until(condition) {
  const deadline = performance.now() + 20_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`it does not come to pass: ${condition}`);
    await new Promise((done) => requestAnimationFrame(done));
  }
}

const canvasOf = (element) => element.querySelector("canvas") ?? element.parentElement.querySelector("canvas:last-child");

/** @param {HTMLElement} element @param {string} type */
function point(element, type, x, y, pointerType = "mouse") {
  const { left, top } = canvasOf(element).getBoundingClientRect();
  const event = new PointerEvent(type, { clientX: left + x, clientY: top + y, pointerType, bubbles: true, cancelable: true });
  element.dispatchEvent(event);
  return event;
}

export async function it_lies_over_an_element_and_lets_clicks_through() {
  await over(async (overlay, element) => {
    const canvas = canvasOf(element);
    same([canvas.clientWidth, canvas.clientHeight, getComputedStyle(element).position], [600, 300, "relative"]);
    same([getComputedStyle(canvas).pointerEvents, canvas.ariaHidden], ["none", "true"]);
    element.style.width = "500px";
    await until(() => canvas.width === 500 * Math.min(2, devicePixelRatio));
    overlay.destroy();
    same(element.childElementCount, 0);
  });
}

export async function it_lies_over_a_video_beside_it() {
  const video = document.createElement("video");
  await over(async (overlay, element) => {
    video.style.margin = "7px 0 0 30px";
    const canvas = canvasOf(element);
    const edges = (one) => {
      const { left, top, width, height } = one.getBoundingClientRect();
      return [left, top, width, height].map(Math.round);
    };
    overlay.configure({});
    same(edges(canvas), edges(video));
    video.style.width = "400px";
    await until(() => edges(canvas).join() === edges(video).join());
    overlay.push({ text: "hello" });
    await until(() => overlay.figures.shown === 1);
  }, {}, video);
  throws(() => new Overlay(document.createElement("video")), "it lies in nothing");
  throws(() => new Overlay("#video"), "no element");
}

export async function what_is_pushed_is_shown_and_paused_it_stands_still() {
  await over(async (overlay, element) => {
    const picture = () => canvasOf(element).toDataURL();
    overlay.push({ text: "hello", size: 64 });
    await until(() => overlay.figures.shown === 1);
    const blank = document.createElement("canvas").toDataURL();
    await until(() => picture() !== blank);
    overlay.pause();
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const then = picture();
    for (let count = 0; count < 500; count += 1) overlay.push({ text: "meanwhile" });
    overlay.cheer(9);
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    same([picture(), overlay.figures.shown, overlay.figures.waiting, overlay.figures.dropped.plain], [then, 1, 80, 420]);
    overlay.resume();
    await until(() => overlay.figures.shown > 1 && picture() !== then);
    overlay.clear();
    same([overlay.figures.shown, overlay.figures.waiting], [0, 0]);
  });
}

export async function another_size_shows_no_blank_picture() {
  await over(async (overlay, element) => {
    overlay.push({ text: "hello", size: 64 });
    const canvas = canvasOf(element);
    const copy = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const isInked = () => {
      copy.clearRect(0, 0, 300, 150);
      copy.drawImage(canvas, 0, 0, 300, 150);
      return copy.getImageData(0, 0, 300, 150).data.some((value) => value > 0);
    };
    await until(isInked);
    overlay.pause();
    for (const height of [250, 320, 280]) {
      element.style.height = `${height}px`;
      overlay.configure({}); // looks how large it is, before the next frame
      same([canvas.height, isInked()], [height * Math.min(2, devicePixelRatio), true]);
    }
    overlay.configure({ opacity: 0 });
    holds(!isInked(), "what is set shows at once");
  });
}

export async function a_hidden_tab_piles_nothing_up() {
  await over(async (overlay) => {
    Object.defineProperty(document, "hidden", { value: true, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
    for (let count = 0; count < 1000; count += 1) overlay.push({ text: "unseen" });
    same([overlay.figures.unseen, overlay.figures.waiting, overlay.figures.shown], [1000, 0, 0]);
    Object.defineProperty(document, "hidden", { value: false, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
    overlay.push({ text: "seen" });
    await until(() => overlay.figures.shown === 1);
  });
}

export async function a_mouse_stops_a_comment_and_a_click_keeps_it() {
  await over(async (overlay, element) => {
    const told = [];
    for (const type of ["pick", "release"]) overlay.addEventListener(type, ({ detail }) => told.push([type, detail.comment.text, detail.stays]));
    overlay.push({ text: "hello", mode: "top", size: 64 });
    await until(() => overlay.figures.shown === 1);
    point(element, "pointermove", 300, 10);
    point(element, "pointermove", 301, 10);
    same(element.style.cursor, "pointer");
    point(element, "pointermove", 300, 200);
    same(told, [["pick", "hello", false], ["release", "hello", undefined]]);
    point(element, "pointermove", 300, 10);
    holds(point(element, "click", 300, 10).defaultPrevented, "what lies below does not hear of it");
    point(element, "pointerleave", 900, 10);
    same(told.slice(2), [["pick", "hello", false], ["pick", "hello", true]]);
    holds(!point(element, "click", 300, 200).defaultPrevented, "elsewhere a click goes through");
    same(told.slice(4), [["release", "hello", undefined]]);
  }, { isPickable: true });
}

export async function a_finger_need_not_be_exact_and_what_is_taken_back_is_let_go() {
  await over(async (overlay, element) => {
    const told = [];
    for (const type of ["pick", "release"]) overlay.addEventListener(type, ({ detail }) => told.push([type, detail.comment.id]));
    overlay.push({ text: "hello", mode: "top", id: 1 });
    await until(() => overlay.figures.shown === 1);
    point(element, "pointermove", 300, 10, "touch");
    same(told, []);
    point(element, "click", 300, 38, "touch");
    same(told, [["pick", 1]]);
    overlay.remove(({ id }) => id === 1);
    await until(() => told.length === 2);
    overlay.push({ text: "hello", mode: "top", id: 2 });
    await until(() => overlay.figures.shown === 1);
    point(element, "click", 300, 10, "touch");
    overlay.release();
    same(told.slice(2), [["pick", 2], ["release", 2]]);
    overlay.configure({ isPickable: false });
    point(element, "click", 300, 10, "touch");
    same(told.length, 4);
  }, { isPickable: true });
}

export async function a_thousand_a_second_leave_it_bounded() {
  await over(async (overlay, element) => {
    const begin = performance.now();
    let pushed = 0;
    let frames = 0;
    while (frames < 90) {
      const due = Math.floor(performance.now() - begin);
      for (; pushed < due; pushed += 1) overlay.push({ text: `comment ${pushed}` });
      await new Promise((done) => requestAnimationFrame(done));
      frames += 1;
      const { shown, waiting } = overlay.figures;
      holds(shown <= 240 && waiting <= 80, `${shown} shown, ${waiting} wait`);
    }
    const { admitted, waiting, dropped } = overlay.figures;
    same(admitted + waiting + dropped.plain, pushed);
    same(element.querySelectorAll("*").length, 1);
  });
}
