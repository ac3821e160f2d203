/** Elements as pages make them. Text is only ever text, and who wrote it cannot turn what stands beside it around. */

/** @param {string} tag @param {string} [className] @param {string} [text] */
export function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

/** A name in the colour that this person always has. @param {string} uid @param {string} [name] */
export function person(uid, name = "") {
  const made = element("bdi", "name person", name || uid);
  made.style.setProperty("--hue", String(hueOf(uid)));
  return made;
}

/** @param {string} uid */
function hueOf(uid) {
  let hash = 0x811c9dc5;
  for (const character of uid) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d); // uids that are alike shall not look alike
  return ((hash ^ (hash >>> 13)) >>> 0) % 360;
}
