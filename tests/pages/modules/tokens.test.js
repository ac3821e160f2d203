import { refreshed } from "/sdk/index.js";
import { same } from "./assert.js";

/** A token that tells when it was made and when it ends, in s. */
const token = (iat, exp, mark = "") => `h.${btoa(JSON.stringify({ iat, exp, mark })).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}.s`;

/** Answers refreshing with what `answer` says. @param {(spent: string) => [number, object]} answer @param {() => Promise<void>} act */
async function serving(answer, act) {
  const native = globalThis.fetch;
  const spent = [];
  globalThis.fetch = async (address, { method, body }) => {
    same([method, address], ["POST", "https://live.example/v1/tokens/refresh"]);
    spent.push(JSON.parse(body).refresh_token);
    const [status, said] = answer(spent.at(-1));
    return new Response(JSON.stringify(said), { status });
  };
  try {
    await act();
  } finally {
    globalThis.fetch = native;
  }
  return spent;
}

export async function a_token_is_renewed_before_it_ends_and_the_new_pair_is_kept() {
  let now = 1_000_000;
  const kept = [];
  const pairs = [{ access_token: token(1790, 5390), refresh_token: "r2" }, { access_token: token(9000, 9060), refresh_token: "r3" }];
  const first = token(1000, 2000, "x>?");
  const source = refreshed("wss://live.example/v1/ws", { access_token: first, refresh_token: "r1" }, (pair) => kept.push(pair), () => now);
  const spent = await serving((one) => [200, pairs[one === "r1" ? 0 : 1]], async () => {
    same(await source(), first);
    now = 1_799_000;
    same(await source(), first);
    now = 1_801_000; // a fifth of its life is left
    same(await Promise.all([source(), source()]), [pairs[0].access_token, pairs[0].access_token]);
    now = 9_000_000;
    same(await source(), pairs[1].access_token);
  });
  same([spent, kept], [["r1", "r2"], pairs]);
}

export async function a_login_that_is_over_says_so_and_a_token_that_cannot_be_read_is_renewed() {
  const source = refreshed("live.example:443", { access_token: "nonsense", refresh_token: "r1" });
  let name = "";
  const said = { error: { code: 4010, error: "unauthorized", message: "it was spent" } };
  const native = globalThis.fetch;
  globalThis.fetch = async () => new Response(JSON.stringify(said), { status: 401 });
  try {
    await source();
  } catch (refusal) {
    name = refusal.name;
  } finally {
    globalThis.fetch = native;
  }
  same(name, "unauthorized");
}
