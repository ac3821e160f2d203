import { find, Places } from "/sdk/places.js";
import { same, throws } from "./assert.js";

const [A, B, C, SAFE, OTHER] = ["ws://a/v1/ws", "ws://b/v1/ws", "ws://c/v1/ws", "wss://a/v1/ws", "wss://b/v1/ws"];
const moves = (places, times) => Array.from({ length: times }, () => places.move());

export function several_are_tried_in_turn_and_one_again_and_again() {
  same(moves(new Places([A, B, A, C]), 6), [A, B, C, A, B, C]);
  same(moves(new Places([A]), 3), [A, A, A]);
  throws(() => new Places([]), "none");
}

export function what_the_service_says_comes_first_and_what_was_given_stays() {
  const places = new Places([A]);
  places.told([B, C]);
  same(moves(places, 4), [B, C, A, B]);
  places.told([B]);
  same([places.move(), places.toAsk()], [A, [B, A]]);
  places.told(Array.from({ length: 1000 }, (_, number) => `ws://${number}/v1/ws`));
  same([places.size, places.toAsk().length], [65, 3]);
}

export function what_was_given_with_tls_is_left_for_no_place_without() {
  const places = new Places([SAFE]);
  places.told([B, OTHER, "http://a"]);
  same(moves(places, 3), [OTHER, SAFE, OTHER]);
}

export async function who_does_not_answer_is_followed_by_somebody_who_does() {
  const native = globalThis.fetch;
  const asked = [];
  globalThis.fetch = async (url) => {
    asked.push(url);
    if (asked.length === 1) throw new TypeError("nobody there");
    const edges = [{ address: B, full: true }, { address: C }];
    return new Response(JSON.stringify({ edges }));
  };
  try {
    const places = new Places([A, B]);
    await find(places, "eu west", 1000);
    same([asked, places.current], [["http://a/v1/edges?region=eu%20west", "http://b/v1/edges?region=eu%20west"], C]);
    globalThis.fetch = async () => new Response("no");
    await find(places, "", 1000);
    same(places.current, A);
  } finally {
    globalThis.fetch = native;
  }
}
