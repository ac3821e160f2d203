// Shows /openapi.json. Everything is set as text, never as HTML.

/** @typedef {{[key: string]: any}} Schema */

/** @param {string} tag @param {string} [text] @param {string} [kind] */
function element(tag, text = "", kind = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

/** @param {Schema} schema */
const isNull = (schema) => schema.type === "null";

/** What a reference names, and where on this page it is told. @param {string} reference */
const nameOf = (reference) => reference.split("/").pop() ?? reference;

/** A schema in a few words, with links to the types it names. @param {Schema} schema @returns {Node[]} */
function inWords(schema) {
  if (schema.$ref) {
    const link = element("a", nameOf(schema.$ref));
    link.setAttribute("href", `#type-${nameOf(schema.$ref)}`);
    return [link];
  }
  if (schema.anyOf) {
    const some = schema.anyOf.filter((/** @type {Schema} */ one) => !isNull(one));
    return some.flatMap((/** @type {Schema} */ one, /** @type {number} */ index) =>
      index ? [new Text(" or "), ...inWords(one)] : inWords(one));
  }
  if (schema.enum) return [new Text(schema.enum.map((/** @type {unknown} */ one) => JSON.stringify(one)).join(" | "))];
  if (schema.items) return [new Text("list of "), ...inWords(schema.items)];
  if (schema.additionalProperties?.type || schema.additionalProperties?.$ref || schema.additionalProperties?.enum) {
    return [new Text("map of ids to "), ...inWords(schema.additionalProperties)];
  }
  return [new Text(schema.pattern === "^[A-Za-z0-9_-]{1,64}$" ? "id" : schema.type ?? "anything")];
}

/** What else is known of a value. @param {Schema} schema @returns {string} */
function bounds(schema) {
  const inner = schema.anyOf?.find((/** @type {Schema} */ one) => !isNull(one)) ?? schema;
  const said = [];
  if (inner.minimum !== undefined) said.push(`from ${inner.minimum}`);
  if (inner.maximum !== undefined && inner.maximum < Number.MAX_SAFE_INTEGER) said.push(`to ${inner.maximum}`);
  if (inner.maxLength !== undefined) said.push(`at most ${inner.maxLength} characters`);
  if (schema.default !== undefined && schema.default !== null) said.push(`${JSON.stringify(schema.default)} if left out`);
  if (schema.description) said.push(schema.description);
  return said.join(", ");
}

/** @param {string[]} heads @param {(string | Node[])[][]} rows */
function table(heads, rows) {
  const box = element("div", "", "scroll");
  const made = element("table", "", "table");
  const head = element("tr");
  head.append(...heads.map((text) => element("th", text)));
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
  const made = element("p", `${label} `);
  if (schema) made.append(...inWords(schema));
  return made;
}

/** @param {string} path @param {string} method @param {any} call */
function callBox(path, method, call) {
  const box = element("details");
  box.id = call.operationId;
  const head = element("summary");
  head.append(element("span", method.toUpperCase(), "method"), " ", element("code", path), ` ${call.summary}`);
  box.append(head, element("p", call.description, "who"));
  if (call.parameters) {
    const rows = call.parameters.map((/** @type {any} */ one) =>
      [one.name, `in the ${one.in}`, inWords(one.schema), [one.description, bounds(one.schema)].filter(Boolean).join("; ")]);
    box.append(table(["parameter", "", "is", ""], rows));
  }
  const body = call.requestBody?.content["application/json"].schema;
  if (body) box.append(line("Body:", body));
  for (const [status, answer] of Object.entries(call.responses)) {
    if (answer.content) box.append(line(`${status}:`, Object.values(answer.content)[0].schema));
    else box.append(element("p", `${status}: ${answer.description}`, "refusal"));
  }
  return box;
}

/** @param {string} name @param {Schema} schema */
function typeBox(name, schema) {
  const box = element("section");
  box.id = `type-${name}`;
  box.append(element("h3", name));
  if (schema.description) box.append(element("p", schema.description, "who"));
  const rows = Object.entries(schema.properties ?? {}).map(([key, value]) =>
    [key, schema.required?.includes(key) ? "always" : "", inWords(value), bounds(value)]);
  if (rows.length) box.append(table(["key", "", "is", ""], rows));
  return box;
}

/** @param {any} api */
function show(api) {
  part("about").textContent = `${api.info.description} Version ${api.info.version}.`;
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, call] of Object.entries(methods)) part("calls").append(callBox(path, method, call));
  }
  for (const [name, schema] of Object.entries(api.components.schemas)) part("types").append(typeBox(name, schema));
  const rows = api["x-refusals"].map((/** @type {any} */ one) =>
    [one.error, String(one.code), String(one.status), one.message, one.retry ? "yes" : ""]);
  part("refusals").append(table(["error", "code", "status", "says", "a later try may help"], rows));
}

/** @param {string} id */
function part(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

export {}; // it is a module: it waits for what it shows

try {
  const answer = await fetch("openapi.json");
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  show(await answer.json());
} catch (error) {
  part("about").textContent = `The description could not be loaded: ${error}`;
}
