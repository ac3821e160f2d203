import { Transcript } from "/chat/transcript.js";
import { holds, same } from "./assert.js";

const BOUND = 1500;

function opened() {
  const [scroller, list, newest] = ["div", "ul", "button"].map((tag) => document.createElement(tag));
  scroller.style.cssText = "height: 200px; overflow-y: auto";
  scroller.append(list);
  document.body.append(scroller, newest);
  const told = { renewed: 0 };
  const transcript = new Transcript(scroller, list, /** @type {HTMLButtonElement} */ (newest), () => {}, () => {}, () => {
    told.renewed += 1;
    transcript.open(conversation, "ann");
  });
  const conversation = /** @type {any} */ ({ conv: "p:ann:bob", isGroup: false, otherRead: 0 });
  transcript.open(conversation, "ann");
  return { transcript, scroller, list, newest, told };
}

/** @param {number} from @param {number} to */
function messages(from, to) {
  const body = [{ type: "text", text: "hello" }];
  const all = Array.from({ length: to - from + 1 }, (_, at) => ({ kind: "message", seq: from + at, from: "bob", at: 1, body }));
  return /** @type {any[]} */ (all);
}

/** @param {HTMLElement} list */
function ends(list) {
  return [list.firstElementChild, list.lastElementChild].map((row) => Number(/** @type {HTMLElement} */ (row).dataset.seq));
}

/** @param {HTMLElement} scroller */
async function scrollUp(scroller) {
  scroller.scrollTop = 0;
  await new Promise((resolve) => scroller.addEventListener("scroll", resolve, { once: true }));
}

export async function of_one_who_reads_far_back_the_newest_go_and_come_again_at_the_end() {
  const { transcript, scroller, list, newest, told } = opened();
  transcript.add(messages(5001, 5050));
  await scrollUp(scroller);
  transcript.add(messages(5051, 8000));
  same([list.childElementCount, ends(list)], [BOUND, [5001, 6500]]);
  transcript.add(messages(8001, 8001)); // nobody sees it there: it would stand behind a hole
  transcript.add(messages(4951, 5000));
  same([list.childElementCount, ends(list), newest.hidden, told.renewed], [BOUND, [4951, 6450], false, 0]);
  newest.click();
  same([list.childElementCount, told.renewed, transcript.isFollowing], [0, 1, true]);
  transcript.add(messages(7952, 8001));
  same(ends(list), [7952, 8001]);
  holds(newest.hidden);
}

export async function of_one_who_follows_the_oldest_go() {
  const { transcript, list } = opened();
  transcript.add(messages(1, 600));
  same([list.childElementCount, ends(list), transcript.hasForgotten], [500, [101, 600], true]);
}
