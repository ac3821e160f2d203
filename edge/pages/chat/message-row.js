/**
 * A message as a row. Text is only ever text; an image of another host is fetched only when asked for, as its
 * host learns who looks at it.
 *
 * @typedef {import("../sdk/protocol.js").Chat} Chat
 * @typedef {import("../sdk/protocol.js").Part} Part
 * @typedef {{me: string, isGroup: boolean, mayRecall: boolean, otherRead: number}} Sight
 *   mayRecall: anybody's message. otherRead: up to which the other one of a private conversation has read.
 */

import { element, person } from "../shared/element.js";
import { t, timeOf } from "../shared/language.js";
import { changeInWords } from "./changes.js";
import { mentions, webAddress } from "./inbox.js";

const CLOCK = /** @type {const} */ ({ hour: "2-digit", minute: "2-digit" });

/**
 * @param {Chat} message @param {Sight} sight how it is looked at @param {() => void} recall
 * @returns {HTMLElement} hidden for kinds that are not known
 */
export function rowOf(message, sight, recall) {
  if (message.kind === "gone") return takenBack();
  if (message.kind === "member") return note(changeInWords(message.from ?? "", message.change ?? {}));
  if (message.kind !== "message") return note("", true);
  const isOwn = message.from === sight.me;
  const row = element("li", isOwn ? "own" : "");
  if (!isOwn && mentions(message, sight.me)) row.classList.add("mentioned");
  const who = person(message.from ?? "");
  who.classList.add("who");
  row.append(who);
  for (const part of message.body ?? []) row.append(...show(part, message));
  row.append(footer(message, isOwn, sight, recall));
  return row;
}

/** What stands in the place of a message that is gone. */
export function takenBack() {
  return note(t("gone"));
}

/** That it was read. @param {Element} row */
export function tick(row) {
  const mark = row.querySelector(".tick");
  if (mark !== null) setTick(mark, true);
}

/** @param {Chat} message @param {boolean} isOwn @param {Sight} sight @param {() => void} recall */
function footer(message, isOwn, { isGroup, mayRecall, otherRead }, recall) {
  const made = element("footer");
  if (isOwn || mayRecall) {
    const button = element("button", "link", t("take_back"));
    button.setAttribute("type", "button");
    button.addEventListener("click", recall);
    made.append(button);
  }
  const time = /** @type {HTMLTimeElement} */ (element("time", "", timeOf(message.at ?? 0, CLOCK)));
  time.dateTime = new Date(message.at ?? 0).toISOString();
  made.append(time);
  if (isOwn && !isGroup) {
    const mark = element("span", "tick");
    mark.setAttribute("role", "img");
    setTick(mark, message.seq <= otherRead);
    made.append(mark);
  }
  return made;
}

/** @param {Part} part @param {Chat} message @returns {Node[]} */
function show(part, message) {
  switch (part.type) {
    case "text":
      return [words(String(part.text), message)];
    case "image":
      return image(part);
    case "face":
      return [element("span", "words", t("face", { index: part.index }))];
    case "video":
      return link(part, t("video"));
    case "sound":
      return link(part, t("sound"));
    case "file":
      return link(part, t("file", { name: part.name }));
    default:
      return [];
  }
}

/** Who is mentioned stands out. @param {string} text @param {Chat} message */
function words(text, message) {
  const made = element("div", "words");
  made.dir = "auto";
  for (const piece of text.split(/(@[A-Za-z0-9_-]{1,64})/)) {
    const uid = piece.startsWith("@") ? piece.slice(1) : "";
    const isNamed = uid !== "" && (uid === "all" ? message.mention === "all" : message.mention?.includes(uid));
    made.append(isNamed ? element("mark", "", piece) : piece);
  }
  return made;
}

/** @param {Part} part @returns {Node[]} */
function image(part) {
  const url = webAddress(part.url);
  if (url === null) return [];
  const picture = () => {
    const made = document.createElement("img");
    made.alt = t("image.from", { host: url.host });
    made.referrerPolicy = "no-referrer";
    made.onerror = () => made.replaceWith(...link(part, t("image.failed", { host: url.host })));
    made.src = url.href;
    return made;
  };
  if (url.origin === location.origin) return [picture()];
  const button = element("button", "show", t("image.show", { host: url.host }));
  button.setAttribute("type", "button");
  button.addEventListener("click", () => button.replaceWith(picture()));
  return [button];
}

/** @param {Part} part @param {string} text @returns {Node[]} */
function link(part, text) {
  const url = webAddress(part.url);
  if (url === null) return [];
  const made = /** @type {HTMLAnchorElement} */ (element("a", "", text));
  Object.assign(made, { href: url.href, target: "_blank", rel: "noopener noreferrer", dir: "auto" });
  return [made];
}

/** @param {Element} mark @param {boolean} isRead */
function setTick(mark, isRead) {
  mark.textContent = isRead ? "✓✓" : "✓";
  mark.ariaLabel = t(isRead ? "tick.read" : "tick.sent");
  mark.classList.toggle("read", isRead);
}

/** @param {string} text */
function note(text, isHidden = false) {
  const made = element("li", "note", text);
  made.hidden = isHidden;
  return made;
}
