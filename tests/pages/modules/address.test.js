import { readAddress } from "/obs/address.js";
import { DEFAULTS, settled } from "/overlay/options.js";
import { dice, holds, same } from "./assert.js";

export function an_address_that_says_only_the_room_asks_for_the_usual() {
  const wish = readAddress("?room=demo", "");
  same([wish.room, wish.token, wish.theme, wish.corner, wish.scale], ["demo", "", "dark", "bottom-left", 1]);
  same(wish.shows, { gifts: true, pins: true, polls: true, likes: true });
  same(settled(DEFAULTS, wish.options), DEFAULTS);
}

export function everything_it_says_is_taken() {
  const query = "?room=demo&opacity=50&size=150&speed=2&area=25&modes=top,scroll&max=60&shadow=0&gifts=0&pins=no&polls=off&likes=false&theme=light&corner=top-right";
  const wish = readAddress(query, "#token=a.b.c");
  same(wish.options, { area: 0.25, opacity: 0.5, scale: 1.5, seconds: 4.5, most: 60, hasOutline: false, modes: ["scroll", "top"] });
  same([wish.token, wish.theme, wish.corner, wish.scale], ["a.b.c", "light", "top-right", 1.5]);
  same(wish.shows, { gifts: false, pins: false, polls: false, likes: false });
}

export function what_is_no_room_is_none() {
  for (const query of ["", "?room=", "?room=a b", "?room=../x", `?room=${"a".repeat(65)}`, "?ROOM=demo"]) same(readAddress(query, "").room, "", query);
}

export function whatever_it_says_the_overlay_can_do() {
  const odd = ["", "0", "-5", "1e9", "NaN", "Infinity", "x", "50", "0.5", "top", "true", "%F0", "\u202e"];
  for (let seed = 1; seed <= 200; seed += 1) {
    const random = dice(seed);
    const query = new URLSearchParams({ room: "demo" });
    for (const name of ["opacity", "size", "speed", "area", "modes", "max", "shadow", "gifts", "theme", "corner"]) {
      if (random() < 0.7) query.set(name, odd[Math.floor(random() * odd.length)]);
    }
    const wish = readAddress(`?${query}`, `#${query}`);
    const options = settled(DEFAULTS, wish.options);
    for (const [name, value] of Object.entries(wish.options)) same(options[name], value, `${query}: ${name} is within its bounds`);
    holds(wish.options.modes.length > 0 && wish.scale >= 0.25 && wish.scale <= 4, String(query));
  }
}
