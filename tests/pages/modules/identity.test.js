import { Identity, isAtLeast, readPasted, readToken } from "/shared/identity.js";
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

/** Somebody signed in by a token of a minute, and a service that gives `next` for each refresh. @param {number} ahead ms, of the service's clock */
function signedIn(ahead) {
  const until = (Date.now() + ahead) / 1000 + 60;
  const memory = /** @type {any} */ ({ token: token({ sub: "ann", exp: until }), refresh: "r0", keepTokens: keep });
  function keep(/** @type {string} */ access, /** @type {string} */ refresh) {
    Object.assign(memory, { token: access, refresh });
  }
  const told = { ended: /** @type {string[]} */ ([]), asked: 0 };
  const identity = new Identity(memory, { began: () => {}, ended: (why) => told.ended.push(why) }, () => Date.now() + ahead);
  const before = globalThis.fetch;
  globalThis.fetch = async () => {
    told.asked += 1;
    return Response.json({ access_token: token({ sub: "ann", exp: until + told.asked }), refresh_token: `r${told.asked}` });
  };
  return { identity, memory, told, over: () => (globalThis.fetch = before) };
}

export async function a_token_that_is_refused_is_renewed_once_whatever_our_clock_says() {
  for (const ahead of [-3_600_000, 0, 3_600_000]) {
    const { identity, memory, told, over } = signedIn(ahead);
    same([await identity.refused("no"), memory.refresh, told.ended], [true, "r1", []]);
    same([await identity.refused("no"), told.asked, told.ended], [false, 1, ["no"]]);
    over();
  }
}

export function a_pasted_token_is_for_the_service_to_judge() {
  const { identity, over } = signedIn(0);
  same(identity.signIn(token({ sub: "ann", exp: 1 })), "");
  over();
}

export async function when_a_login_expired_has_its_date_where_that_is_not_today() {
  const whys = [];
  const memory = { token: token({ sub: "u", exp: 1 }), refresh: "", keepTokens() {} };
  const identity = new Identity(/** @type {any} */ (memory), { began() {}, ended: (why) => whys.push(why) });
  await identity.refused("expired");
  const now = Math.floor(Date.now() / 1000);
  memory.token = token({ sub: "u", exp: now });
  await identity.refused("expired");
  const day = new Date(1000).toLocaleDateString("en");
  same([whys[0].includes(day), whys[1].includes(new Date(now * 1000).toLocaleDateString("en"))], [true, false]);
}

export async function a_token_refused_a_little_before_its_end_by_our_clock_has_expired() {
  const whys = [];
  const memory = { token: "", refresh: "", keepTokens() {} };
  const now = 1_000_000;
  const identity = new Identity(/** @type {any} */ (memory), { began() {}, ended: (why) => whys.push(why) }, () => now);
  for (const left of [2_000, 60_000]) {
    memory.token = token({ sub: "u", exp: (now + left) / 1000 });
    await identity.refused("no");
  }
  same([whys[0].startsWith("Your login expired at"), whys[1]], [true, "no"]);
}
