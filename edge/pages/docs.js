// Shows /openapi.json. Everything is set as text, never as HTML.

/** @param {string} tag @param {string} [text] @param {string} [kind] */
function element(tag, text = "", kind = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

/** @param {any} schema */
function nameOf(schema) {
  return schema?.$ref ? schema.$ref.split("/").pop() : JSON.stringify(schema);
}

/** @param {string} path @param {string} method @param {any} call */
function describe(path, method, call) {
  const box = element("details");
  const head = element("summary");
  head.append(element("span", method.toUpperCase(), "method"), element("code", path), ` ${call.summary}`);
  box.append(head, element("p", call.description, "who"));
  for (const parameter of call.parameters ?? []) {
    box.append(element("p", `${parameter.in}: ${parameter.name}${parameter.description ? ` - ${parameter.description}` : ""}`));
  }
  const body = call.requestBody?.content["application/json"].schema;
  if (body) box.append(element("p", `body: ${nameOf(body)}`));
  for (const [status, answer] of Object.entries(call.responses)) {
    const schema = answer.content?.["application/json"]?.schema;
    box.append(element("p", `${status}: ${answer.description} ${schema ? nameOf(schema) : ""}`));
  }
  return box;
}

const about = document.querySelector("#about");
const calls = document.querySelector("#calls");
const types = document.querySelector("#types");
try {
  const document_ = await (await fetch("/openapi.json")).json();
  about.textContent = `${document_.info.description} Version ${document_.info.version}.`;
  for (const [path, methods] of Object.entries(document_.paths)) {
    for (const [method, call] of Object.entries(methods)) calls.append(describe(path, method, call));
  }
  for (const [name, schema] of Object.entries(document_.components.schemas)) {
    const box = element("details");
    box.append(element("summary", name), element("pre", JSON.stringify(schema, null, 2)));
    types.append(box);
  }
} catch (error) {
  about.textContent = `The description could not be loaded: ${error}`;
}
