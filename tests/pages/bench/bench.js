/**
 * Draws a stage for some seconds, with so many comments a second, and says what it took. Run by `python -m tests.pages.overlay_bench`.
 */

import { Canvas } from "/overlay/canvas.js";
import { readComment } from "/overlay/comment.js";
import { Hearts } from "/overlay/hearts.js";
import { DEFAULTS, settled } from "/overlay/options.js";
import { Painter } from "/overlay/sprites.js";
import { Stage } from "/overlay/stage.js";
import { Elements } from "./elements.js";

const TEXTS = ["666", "哈哈哈哈哈哈", "what a goal!!", "前方高能预警", "this is the best stream of the year so far", "🎉🎉🎉", "主播加油，我们都支持你"];
const WARM_MS = 10_000; // until the picture is as full as it gets

/**
 * @param {"canvas" | "elements" | "nothing"} way @param {{rate: number, seconds: number, most: number}} load
 * @returns {Promise<Record<string, number>>} frames a second, ms of our own code per frame, comments in the picture
 */
export async function measure(way, { rate, seconds, most }) {
  const box = document.getElementById("box");
  box.replaceChildren();
  const { clientWidth: width, clientHeight: height } = box;
  const painter = new Painter();
  const options = settled(DEFAULTS, { isStill: false, most });
  const stage = new Stage(options, (entry, look) => painter.measure(entry, look));
  stage.resize(width, height);
  const draw = drawer(way, box, stage, painter, options);
  const begin = performance.now();
  const figures = { frames: 0, busy: 0, shown: 0, late: 0 };
  let [pushed, last] = [0, begin];
  while (true) {
    const now = await new Promise((done) => requestAnimationFrame(done));
    const passed = now - last;
    last = now;
    const start = performance.now();
    for (const due = ((now - begin) * rate) / 1000; way !== "nothing" && pushed < due; pushed += 1) {
      stage.push(readComment({ text: TEXTS[pushed % TEXTS.length], color: [0xffffff, 0xff8800, 0x66ccff][pushed % 3] }));
    }
    stage.step(passed / 1000);
    draw(passed / 1000);
    if (now - begin < WARM_MS) continue;
    figures.frames += 1;
    figures.busy += performance.now() - start;
    figures.shown += stage.shown.length;
    figures.late += passed > 25 ? 1 : 0;
    if (now - begin > WARM_MS + seconds * 1000) break;
  }
  const { frames, busy, shown, late } = figures;
  return { fps: frames / seconds, busy_ms: busy / frames, shown: shown / frames, late: late / frames };
}

function drawer(way, box, stage, painter, options) {
  if (way === "elements") {
    const elements = new Elements(box);
    return () => elements.draw(stage);
  }
  const element = document.createElement("canvas");
  Object.assign(element.style, { position: "absolute", inset: "0", width: "100%", height: "100%" });
  box.append(element);
  const canvas = new Canvas(element, painter);
  canvas.resize(box.clientWidth, box.clientHeight, devicePixelRatio);
  const hearts = new Hearts();
  return (seconds) => canvas.draw(stage, hearts, options, seconds);
}
