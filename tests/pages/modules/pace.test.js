import { Pace, TIMING, mayReconnect } from "/sdk/pace.js";
import { dice, holds, same } from "./assert.js";

const AT_MOST = () => 1;

export function the_bands_of_close_codes() {
  const codes = [1000, 1006, 4000, 4099, 4100, 4199, 4399, 4400, 4401, 4499, 4500];
  same(codes.map(mayReconnect), [true, true, true, true, true, true, true, false, false, false, true]);
  const pace = new Pace(TIMING, AT_MOST);
  same(pace.wait(4403, 0), null);
}

export function it_doubles_up_to_a_bound_with_full_jitter() {
  const pace = new Pace(TIMING, AT_MOST);
  const waits = Array.from({ length: 9 }, () => pace.wait(1006, 0));
  same(waits, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
  const random = dice(5);
  const jittered = new Pace(TIMING, random);
  for (const most of waits) {
    const wait = jittered.wait(1006, 0);
    holds(wait !== null && wait >= 0 && wait <= most, `${wait} is within 0 and ${most}`);
  }
}

export function going_away_comes_back_at_once_but_not_in_a_circle() {
  const pace = new Pace(TIMING, AT_MOST);
  same([pace.wait(4000, 0), pace.wait(4000, 0), pace.wait(4000, 0)], [0, 1000, 2000]);
}

export function a_connection_that_lasted_resets_it() {
  const pace = new Pace(TIMING, AT_MOST);
  pace.wait(1006, 0);
  pace.wait(1006, 0);
  pace.connected(1000);
  same(pace.wait(1006, 1000 + TIMING.stable - 1), 2000);
  pace.connected(20_000);
  same(pace.wait(1006, 20_000 + TIMING.stable), 500);
}

export function what_the_service_asks_for_is_kept() {
  const pace = new Pace(TIMING, AT_MOST);
  pace.askedToWait(3000, 1000);
  same([pace.wait(1006, 2000), pace.wait(1006, 2000)], [2000, 1000]);
}
