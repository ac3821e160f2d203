import { Round } from "/console/round.js";
import { Refusal } from "/sdk/protocol.js";
import { same } from "./assert.js";

/** Where rounds wait until they are let go on; `wait` tells for how long they would. @param {(wait: () => Promise<number>, go: () => void) => Promise<void>} act */
async function waiting(act) {
  const real = globalThis.setTimeout;
  let asked = /** @type {{ms: number, go: () => void} | null} */ (null);
  let told = () => {};
  globalThis.setTimeout = /** @type {any} */ ((/** @type {() => void} */ go, /** @type {number} */ ms) => {
    asked = { ms, go };
    told();
    return 0;
  });
  const wait = async () => {
    if (asked === null) await new Promise((resolve) => (told = () => resolve(null)));
    return asked?.ms ?? 0;
  };
  const go = () => {
    const { go: then } = /** @type {{go: () => void}} */ (asked);
    asked = null;
    then();
  };
  try {
    await act(wait, go);
  } finally {
    globalThis.setTimeout = real;
  }
}

export async function while_the_service_is_away_it_is_asked_less_and_less_often() {
  for (const [luck, pauses] of /** @type {[number, number[]][]} */ ([[0, [2000, 4000, 8000, 8000]], [1, [6000, 12000, 24000, 24000]]])) {
    let isAway = true;
    const round = new Round(() => [isAway ? Promise.reject(new Refusal("unavailable", "no")) : Promise.resolve()], undefined, () => luck);
    await waiting(async (wait, go) => {
      void round.run();
      for (const pause of pauses) {
        same(await wait(), pause);
        go();
      }
      isAway = false;
      await wait();
      go();
      same(await wait(), 2000);
      round.stop();
    });
  }
}

export async function it_waits_as_long_as_it_is_told_and_tells_what_is_refused_for_good() {
  const refusals = [new Refusal("rate_limited", "no", 60_000), new Refusal("forbidden", "no")];
  const told = /** @type {string[]} */ ([]);
  const round = new Round(() => refusals.map((one) => Promise.reject(one)), ({ name }) => told.push(name), () => 0);
  await waiting(async (wait) => {
    void round.run();
    same(await wait(), 60_000);
    round.stop();
  });
  same(told, ["forbidden"]);
}

export async function a_hurry_waits_as_long_as_the_service_asked() {
  let asked = 0;
  const refusals = [new Refusal("rate_limited", "no", 60_000), new Refusal("forbidden", "no")];
  const round = new Round(() => [Promise.reject(refusals[asked++])]);
  await waiting(async (wait, go) => {
    void round.run();
    same(await wait(), 60_000);
    for (let n = 0; n < 6; n++) round.hurry();
    for (let n = 0; n < 20; n++) await Promise.resolve();
    same(asked, 1);
    go();
    same(await wait(), 2000); // at once then, and not hurried any more
    same(asked, 2);
    round.stop();
  });
}

export async function who_stops_does_not_wait_for_what_the_service_asked() {
  const round = new Round(() => [Promise.reject(new Refusal("rate_limited", "no", 60_000))]);
  await waiting(async (wait) => {
    const over = round.run();
    await wait();
    round.stop();
    await over;
  });
}

export async function a_hurry_counts_also_while_it_asks() {
  let [asked, answer] = [0, () => {}];
  const round = new Round(() => [new Promise((resolve) => {
    asked += 1;
    answer = () => resolve(undefined);
  })]);
  await waiting(async (wait) => {
    void round.run();
    round.hurry();
    answer();
    while (asked < 2) await Promise.resolve();
    answer();
    await wait();
    round.hurry();
    while (asked < 3) await Promise.resolve();
    round.stop();
    answer();
  });
}
