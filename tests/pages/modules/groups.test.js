import { Client } from "/sdk/index.js";
import { holds, same } from "./assert.js";

const GROUP = { gid: "g1", conv: "g:g1", name: "Lunch", members: [] };

/** What is asked over HTTP while `act` runs. @param {(client: Client) => Promise<void>} act */
async function asked(act) {
  const native = globalThis.fetch;
  const calls = [];
  let isDown = true;
  globalThis.fetch = async (address, { method, headers, body }) => {
    const url = new URL(address);
    calls.push([method, url.pathname, body && JSON.parse(body), headers.Authorization, url.searchParams.get("cid")]);
    if (isDown) {
      isDown = false;
      throw new TypeError("the network is down");
    }
    return new Response(JSON.stringify(GROUP));
  };
  const Socket = /** @type {any} */ (class {});
  const client = new Client("https://live.example/danmaku", { token: async () => "t1", WebSocket: Socket });
  client.uid = "ann";
  try {
    await act(client);
  } finally {
    globalThis.fetch = native;
  }
  return calls;
}

export async function each_change_is_asked_for_with_a_fresh_token_and_again_under_the_same_id() {
  const calls = await asked(async ({ groups }) => {
    same(await groups.make("Lunch", ["bob"], "g1"), GROUP);
    await groups.read("g1");
    await groups.rename("g1", "Dinner");
    await groups.invite("g1", "cid");
    await groups.join("g1");
    await groups.appoint("g1", "bob", "admin");
    await groups.handOver("g1", "bob");
    await groups.mute("g1", "cid", 60);
    await groups.mute("g1", "cid");
    await groups.unmute("g1", "cid");
    await groups.muteAll("g1");
    await groups.remove("g1", "cid");
    await groups.leave("g1");
    await groups.dissolve("g1");
  });
  const at = "/danmaku/v1/groups";
  same(calls.slice(1).map((call) => call.slice(0, 3)), [
    ["POST", at, { gid: "g1", name: "Lunch", members: ["bob"] }],
    ["GET", `${at}/g1`, undefined],
    ["PATCH", `${at}/g1`, { name: "Dinner" }],
    ["PUT", `${at}/g1/members/cid`, {}],
    ["PUT", `${at}/g1/members/ann`, {}],
    ["PUT", `${at}/g1/members/bob`, { role: "admin" }],
    ["PUT", `${at}/g1/members/bob`, { role: "owner" }],
    ["POST", `${at}/g1/mutes`, { uid: "cid", seconds: 60 }],
    ["POST", `${at}/g1/mutes`, { uid: "cid" }],
    ["DELETE", `${at}/g1/mutes/cid`, undefined],
    ["PATCH", `${at}/g1`, { muted: true }],
    ["DELETE", `${at}/g1/members/cid`, undefined],
    ["DELETE", `${at}/g1/members/ann`, undefined],
    ["DELETE", `${at}/g1`, undefined],
  ]);
  same([...new Set(calls.map((call) => call[3]))], ["Bearer t1"]);
  holds(calls[0][4] && calls[0][4] === calls[1][4], "it is made once");
  const ids = calls.slice(1).filter(([method]) => method !== "GET").map((call) => call[4]);
  same(new Set(ids).size, ids.length);
}

export async function what_is_no_id_never_becomes_part_of_an_address() {
  const calls = await asked(async ({ groups }) => {
    for (const act of [() => groups.read("../x"), () => groups.invite("g1", "a/b"), () => groups.unmute("g1", "")]) {
      let name = "";
      await act().catch((refusal) => (name = refusal.name));
      same(name, "bad_id");
    }
  });
  same(calls, []);
}
