/**
 * Runs the tests that modules export, in Node: `node run.js FILE...` prints those that failed, and how many passed.
 *
 * What a page finds at `/sdk/…` and `/golden/…` is found in the repository.
 */

import { readFile } from "node:fs/promises";
import { registerHooks } from "node:module";
import { basename, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const ROOT = new URL("../../", import.meta.url);
const FOLDERS = { "/sdk/": "edge/pages/sdk/", "/golden/": "tests/golden/" };
const HELPERS = new Set(["replay"]);

/** @param {string} path */
function find(path) {
  for (const [prefix, folder] of Object.entries(FOLDERS)) {
    if (path.startsWith(prefix)) return new URL(folder + path.slice(prefix.length), ROOT);
  }
  return null;
}

registerHooks({
  resolve: (name, context, next) => next(find(name)?.href ?? name, context),
});

const native = globalThis.fetch;
globalThis.fetch = async (address, options) => {
  const file = find(String(address));
  return file === null ? native(address, options) : new Response(await readFile(file));
};

let passed = 0;
let hasFailed = false;
for (const file of process.argv.slice(2)) {
  for (const [name, test] of Object.entries(await import(pathToFileURL(resolve(file)).href))) {
    if (typeof test !== "function" || HELPERS.has(name)) continue;
    try {
      await test();
      passed += 1;
    } catch (error) {
      hasFailed = true;
      console.error(`${basename(file)} ${name}:`, error);
    }
  }
}
console.log(`${passed} passed`);
if (hasFailed) process.exit(1); // what failed may have left something running
