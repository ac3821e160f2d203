import { Toasts } from "/shared/toasts.js";
import { same } from "./assert.js";

export function what_is_kept_makes_room_for_nothing_else() {
  const box = document.createElement("div");
  const toasts = new Toasts(box);
  const texts = () => [...box.querySelectorAll(".toast > span")].map((one) => one.textContent);
  toasts.keep("not done");
  for (let n = 0; n < 9; n += 1) toasts.good(`done ${n}`);
  same(texts(), ["not done", "done 5", "done 6", "done 7", "done 8"]);
  for (let n = 0; n < 4; n += 1) toasts.keep(`kept ${n}`);
  same(texts().filter((text) => !text?.startsWith("done")), ["kept 0", "kept 1", "kept 2", "kept 3"]);
  box.remove();
}
