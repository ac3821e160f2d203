// Shows /openapi.json. Everything is set as text, never as HTML.

import { part } from "../shared/dialog.js";
import { element } from "../shared/element.js";
import { learn, t, translate } from "../shared/language.js";
import { offerPreferencesDialog } from "../shared/preferences.js";
import en from "./words.en.js";
import zh from "./words.zh-CN.js";

/** @typedef {{[key: string]: any}} Schema */

/** @param {Schema} schema */
const isNull = (schema) => schema.type === "null";

/** What a reference names, and where on this page it is told. @param {string} reference */
const nameOf = (reference) => reference.split("/").pop() ?? reference;

/** A schema in a few words, with links to the types it names. @param {Schema} schema @returns {Node[]} */
function inWords(schema) {
  if (schema.$ref) {
    const link = element("a", "", nameOf(schema.$ref));
    link.setAttribute("href", `#type-${nameOf(schema.$ref)}`);
    return [link];
  }
  if (schema.anyOf) {
    const some = schema.anyOf.filter((/** @type {Schema} */ one) => !isNull(one));
    return some.flatMap((/** @type {Schema} */ one, /** @type {number} */ index) =>
      index ? [new Text(t("or")), ...inWords(one)] : inWords(one));
  }
  if (schema.enum) return [new Text(schema.enum.map((/** @type {unknown} */ one) => JSON.stringify(one)).join(" | "))];
  if (schema.items) return [new Text(t("list_of")), ...inWords(schema.items)];
  if (schema.additionalProperties?.type || schema.additionalProperties?.$ref || schema.additionalProperties?.enum) {
    return [new Text(t("map_of")), ...inWords(schema.additionalProperties)];
  }
  return [new Text(schema.pattern === "^[A-Za-z0-9_-]{1,64}$" ? "id" : schema.type ?? t("anything"))];
}

/** What else is known of a value. @param {Schema} schema @returns {string} */
function bounds(schema) {
  const inner = schema.anyOf?.find((/** @type {Schema} */ one) => !isNull(one)) ?? schema;
  const said = [];
  if (inner.minimum !== undefined) said.push(t("from", { n: inner.minimum }));
  if (inner.maximum !== undefined && inner.maximum < Number.MAX_SAFE_INTEGER) said.push(t("to", { n: inner.maximum }));
  if (inner.maxLength !== undefined) said.push(t("most.characters", { n: inner.maxLength }));
  if (schema.default !== undefined && schema.default !== null) said.push(t("if_left_out", { value: JSON.stringify(schema.default) }));
  if (schema.description) said.push(schema.description);
  return said.join(", ");
}

/** A table that is too wide can be scrolled by keys, too; the others are nothing to stop at. */
const widths = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth) target.setAttribute("tabindex", "0");
    else target.removeAttribute("tabindex");
  }
});

/** @param {string[]} heads @param {(string | Node[])[][]} rows */
function table(heads, rows) {
  const box = element("div", "scroll", "");
  widths.observe(box);
  const made = element("table", "table", "");
  const head = element("tr");
  head.append(...heads.map((text) => element("th", "", text)));
  made.append(head);
  for (const cells of rows) {
    const row = element("tr");
    for (const cell of cells) {
      const made = element("td");
      made.append(...(typeof cell === "string" ? [cell] : cell));
      row.append(made);
    }
    made.append(row);
  }
  box.append(made);
  return box;
}

/** @param {string} label @param {Schema} [schema] */
function line(label, schema) {
  const made = element("p", "", `${label} `);
  if (schema) made.append(...inWords(schema));
  return made;
}

/** @param {string} path @param {string} method @param {any} call */
function callBox(path, method, call) {
  const box = element("details");
  box.id = call.operationId;
  const head = element("summary");
  head.append(element("span", "method", method.toUpperCase()), " ", element("code", "", path), ` ${call.summary}`);
  box.append(head, element("p", "who", call.description));
  if (call.parameters) {
    const rows = call.parameters.map((/** @type {any} */ one) =>
      [one.name, t(`in.${one.in}`), inWords(one.schema), [one.description, bounds(one.schema)].filter(Boolean).join("; ")]);
    box.append(table([t("parameter"), t("where"), t("is"), t("more")], rows));
  }
  const body = call.requestBody?.content["application/json"].schema;
  if (body) box.append(line(t("body"), body));
  for (const [status, answer] of Object.entries(call.responses)) {
    if (answer.content) box.append(line(`${status}:`, Object.values(answer.content)[0].schema));
    else box.append(element("p", "refusal", `${status}: ${answer.description}`));
  }
  return box;
}

/** @param {string} name @param {Schema} schema */
function typeBox(name, schema) {
  const box = element("section");
  box.id = `type-${name}`;
  box.append(element("h3", "", name));
  if (schema.description) box.append(element("p", "who", schema.description));
  const rows = Object.entries(schema.properties ?? {}).map(([key, value]) =>
    [key, schema.required?.includes(key) ? t("always") : "", inWords(value), bounds(value)]);
  if (rows.length) box.append(table([t("key"), t("always"), t("is"), t("more")], rows));
  return box;
}

/** @param {any} api */
function show(api) {
  part("about").textContent = t("about", { description: api.info.description, version: api.info.version });
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, call] of Object.entries(methods)) part("calls").append(callBox(path, method, call));
  }
  for (const [name, schema] of Object.entries(api.components.schemas)) part("types").append(typeBox(name, schema));
  const rows = api["x-refusals"].map((/** @type {any} */ one) =>
    [one.error, String(one.code), String(one.status), one.message, one.retry ? t("yes") : ""]);
  part("refusals").append(table([t("error"), t("code"), t("status"), t("says"), t("retry")], rows));
}

learn({ en, "zh-CN": zh });
translate();
offerPreferencesDialog(part("preferences-button"));

try {
  const answer = await fetch("openapi.json");
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  show(await answer.json());
} catch (error) {
  part("about").textContent = t("failed", { error });
}
