import { isAtLeast, readPasted, readToken } from "/shared/identity.js";
import { same } from "./assert.js";

/** @param {object} claims */
function token(claims) {
  const bytes = new TextEncoder().encode(JSON.stringify(claims));
  const payload = btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return `head.${payload}.signature`;
}

export function a_token_says_who_one_is() {
  const who = readToken(token({ sub: "u1", name: "小明 🎉", rooms: { lobby: "moderator" }, iat: 10, exp: 20.5, typ: "access" }));
  same(who, {
    uid: "u1", name: "小明 🎉", role: "viewer", rooms: { lobby: "moderator" }, since: 10_000, until: 20_500, isAccess: true,
  });
  same(readToken(token({ sub: "u1", exp: 1, typ: "refresh" }))?.isAccess, false);
}

export function what_is_no_token_says_nothing() {
  for (const odd of ["", "nonsense", "a.b.c", "a.!!.c", token({}), token({ sub: 7, exp: 1 }), token({ sub: "u" }), "a.bnVsbA.c"]) {
    same(readToken(odd), null, odd);
  }
}

export function a_link_and_the_answer_of_the_service_may_be_pasted_as_well() {
  const pair = { token: "a.b.c", refresh: "d.e.f" };
  same(readPasted(" a.b.c\n"), { token: "a.b.c", refresh: "" });
  same(readPasted("https://live.example/console?room=lobby#token=a.b.c&refresh=d.e.f"), pair);
  same(readPasted('{"access_token": "a.b.c", "refresh_token": "d.e.f", "expires_in_s": 60}'), pair);
  same(readPasted('{"access_token": "a.b.c"}'), { token: "a.b.c", refresh: "" });
}

export function ranks_are_in_order() {
  same([isAtLeast("admin", "streamer"), isAtLeast("moderator", "moderator"), isAtLeast("viewer", "moderator")], [true, true, false]);
}
