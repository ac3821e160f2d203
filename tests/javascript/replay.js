/** `node replay.js PART` gives the part of the SDK the calls that come on stdin, and prints what it made of them. */

import { text } from "node:stream/consumers";

import { ChatReader } from "../../edge/pages/sdk/conversations.js";
import { Pace, TIMING } from "../../edge/pages/sdk/pace.js";

const PARTS = { chat, pace };

/** @param {any[][]} calls */
function chat(calls) {
  const reader = new ChatReader(calls.shift()?.[0]);
  return calls.map(([verb, ...given]) => {
    const found = reader[verb](...given);
    const seen = verb === "take" || verb === "pulled" ? found.map((one) => [one.conv, one.seq]) : found ?? null;
    return [seen, reader.due, reader.positions, reader.missed];
  });
}

/** @param {any[][]} calls */
function pace(calls) {
  let random = 0;
  const one = new Pace(TIMING, () => random);
  return calls.map(([verb, dice, ...given]) => {
    random = dice;
    return one[verb](...given) ?? null;
  });
}

const runs = JSON.parse(await text(process.stdin));
console.log(JSON.stringify(runs.map(PARTS[process.argv[2]])));
