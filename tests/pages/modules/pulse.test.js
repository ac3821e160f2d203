import { Pulse, line } from "/studio/pulse.js";
import { holds, same } from "./assert.js";

export function comments_of_the_last_ten_seconds_count() {
  const pulse = new Pulse();
  for (let at = 1000; at <= 20_000; at += 1000) pulse.comment(at);
  same(pulse.rate(20_000), 1);
  same(pulse.rate(25_000), 0.5);
  same(pulse.rate(60_000), 0);
}

export function a_minute_is_counted_however_many_comments_it_brings() {
  const pulse = new Pulse();
  for (let at = 0; at < 60_000; at += 2) pulse.comment(at);
  same(pulse.rate(59_999), 500);
  pulse.comment(500_000);
  same(pulse.rate(500_000), 0.1);
}

export function samples_are_bounded_and_the_oldest_go_first() {
  const pulse = new Pulse();
  for (let at = 0; at < 2000; at += 1) {
    pulse.count(at % 7);
    pulse.sample(at);
  }
  same(pulse.samples.length, 900);
  same(pulse.samples[0].at, 1100);
  same(pulse.mostViewers, 6);
}

export function a_line_stays_within_its_box() {
  same(line([], [], 100, 50), "");
  same(line([7], [3], 100, 50), "0,0");
  same(line([2, 4, 6], [0, 5, 10], 100, 50), "0,50 50,25 100,0");
  same(line([2, 4, 22], [0, 5, 10], 100, 50), "0,50 10,25 100,0");
  same(line([2, 4], [0, 0], 100, 50), "0,50 100,50");
  for (const point of line([1, 2, 3, 9], [1, 8, 2, 900], 100, 50).split(" ")) {
    const [x, y] = point.split(",").map(Number);
    holds(x >= 0 && x <= 100 && y >= 0 && y <= 50);
  }
}
