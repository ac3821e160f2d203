import { Calls } from "/sdk/calls.js";
import { same } from "./assert.js";

/** Ask where the network answers as `fetched` does, and what is late is so after `ms`; how it is refused, and how often it was tried and doubted. */
async function asked(fetched, ms) {
  const native = [globalThis.fetch, AbortSignal.timeout];
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), ms);
  let [tries, doubts] = [0, 0];
  AbortSignal.timeout = () => late.signal;
  globalThis.fetch = (_, { signal }) => {
    tries += 1;
    return fetched(signal);
  };
  try {
    await new Calls(() => "", "", undefined, () => (doubts += 1)).call("POST", "v1/any", {});
  } catch ({ name }) {
    return [name, tries, doubts];
  } finally {
    clearTimeout(timer);
    [globalThis.fetch, AbortSignal.timeout] = native;
  }
  return ["", tries, doubts];
}

export async function what_nobody_answers_is_asked_for_no_longer_than_that() {
  const stalled = (signal) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  same(await asked(stalled, 20), ["timeout", 1, 1]);
}

export async function what_cannot_be_reached_is_asked_for_again() {
  const broken = () => Promise.reject(new TypeError("failed to fetch"));
  same(await asked(broken, 10_000), ["unavailable", 3, 3]);
  let isFirst = true;
  const once = () => (isFirst ? ((isFirst = false), broken()) : Promise.resolve(Response.json({})));
  same(await asked(once, 10_000), ["", 2, 1]);
}

export async function what_something_between_answers_is_no_reason_to_doubt_the_connection() {
  const proxy = () => Promise.resolve(new Response("<h1>Bad Gateway</h1>", { status: 502 }));
  same(await asked(proxy, 10_000), ["unavailable", 3, 0]);
}

export async function what_waits_for_something_to_tell_may_take_as_long_as_is_said() {
  const native = [globalThis.fetch, AbortSignal.timeout];
  const limits = /** @type {number[]} */ ([]);
  AbortSignal.timeout = (ms) => {
    limits.push(ms);
    return new AbortController().signal;
  };
  globalThis.fetch = () => Promise.resolve(Response.json({}));
  try {
    await new Calls(() => "").call("GET", "v1/any?wait_s=25", undefined, 40_000);
    await new Calls(() => "").call("GET", "v1/any");
  } finally {
    [globalThis.fetch, AbortSignal.timeout] = native;
  }
  same(limits, [40_000, 10_000]);
}

export async function what_was_answered_is_not_asked_again_when_it_is_late() {
  const busy = () => Promise.resolve(Response.json({ error: { error: "unavailable", message: "busy", retry_ms: 60_000 } }, { status: 503 }));
  same(await asked(busy, 20), ["unavailable", 1, 0]);
}

export async function what_one_user_asked_is_not_asked_again_as_another() {
  const native = globalThis.fetch;
  let [tries, user] = [0, "ann"];
  globalThis.fetch = () => {
    tries += 1;
    user = "bob";
    return Promise.reject(new TypeError("failed to fetch"));
  };
  const refused = await new Calls(() => user, "", undefined, undefined, () => user).call("POST", "v1/any", {}).catch((why) => why);
  globalThis.fetch = native;
  same([refused.name, refused.isUndecided, tries], ["unavailable", true, 1]);
}
