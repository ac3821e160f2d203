/**
 * The messages of the conversation that is looked at: bounded, newest last, following along unless the
 * reader has scrolled up. Text is only ever text; an image of another host is fetched only when asked for,
 * as its host learns who looks at it.
 *
 * @typedef {import("./protocol.js").Chat} Chat
 * @typedef {import("./protocol.js").Part} Part
 * @typedef {import("./inbox.js").Conversation} Conversation
 */

import { changeInWords, mentions, webAddress } from "./inbox.js";

const MOST_ROWS = 500;
const NEAR_END = 48; // pixels

export class Transcript {
  #scroller;
  #list;
  #newest;
  #recall;
  #atEnd;
  /** @type {Conversation | null} */
  #conversation = null;
  #me = "";
  /** Seqs that were taken back. @type {Set<number>} */
  #gone = new Set();
  /** @type {Map<number, HTMLElement>} */
  #rows = new Map();
  #isFollowing = true;
  /** Whether some that were there had to go. */
  hasForgotten = false;

  /**
   * @param {HTMLElement} scroller @param {HTMLElement} list @param {HTMLButtonElement} newest leads back to the end
   * @param {(seq: number) => void} recall @param {() => void} atEnd the newest message is in sight
   */
  constructor(scroller, list, newest, recall, atEnd) {
    this.#scroller = scroller;
    this.#list = list;
    this.#newest = newest;
    this.#recall = recall;
    this.#atEnd = atEnd;
    scroller.addEventListener("scroll", () => this.#look(), { passive: true });
    newest.addEventListener("click", () => this.#toEnd());
    const sizes = new ResizeObserver(() => this.#isFollowing && this.#toEnd());
    sizes.observe(scroller);
    sizes.observe(list); // an image came
  }

  get isFollowing() {
    return this.#isFollowing;
  }

  /** The lowest seq that is there; null while nothing is. */
  get first() {
    return this.#rows.size === 0 ? null : Math.min(...this.#rows.keys());
  }

  /** @param {Conversation} conversation @param {string} me */
  open(conversation, me) {
    this.#conversation = conversation;
    this.#me = me;
    this.hasForgotten = false;
    this.#gone.clear();
    this.#rows.clear();
    this.#list.replaceChildren();
    this.#toEnd();
  }

  /** Messages in any order; who comes again takes the place of the one before. @param {Chat[]} messages */
  add(messages) {
    const fromEnd = this.#scroller.scrollHeight - this.#scroller.scrollTop;
    const last = Math.max(0, ...this.#rows.keys());
    for (const message of messages) {
      if (message.kind === "recall" && message.of !== undefined) this.#takeBack(message.of);
      this.#put(message.seq, this.#row(message));
    }
    this.#forget();
    if (this.#isFollowing) this.#toEnd();
    else if (messages.every((one) => one.seq < last)) this.#scroller.scrollTop = this.#scroller.scrollHeight - fromEnd;
    else this.#newest.hidden = false;
  }

  /** What is known to be read by now. */
  showTicks() {
    const upTo = this.#conversation?.otherRead ?? 0;
    for (const [seq, row] of this.#rows) {
      const tick = row.querySelector(".tick");
      if (tick !== null && seq <= upTo) setTick(tick, true);
    }
  }

  /** @param {number} seq */
  #takeBack(seq) {
    this.#gone.add(seq);
    if (this.#rows.has(seq)) this.#put(seq, note("A message was taken back"));
  }

  /** @param {number} seq @param {HTMLElement | null} row nothing is shown of kinds that are not known */
  #put(seq, row) {
    const made = row ?? note("", true);
    const before = this.#rows.get(seq);
    this.#rows.set(seq, made);
    made.dataset.seq = String(seq);
    if (before !== undefined) {
      before.replaceWith(made);
      return;
    }
    let next = null; // from the end: nearly all are new
    for (let one = this.#list.lastElementChild; one !== null; one = one.previousElementSibling) {
      if (Number(/** @type {HTMLElement} */ (one).dataset.seq) < seq) break;
      next = one;
    }
    this.#list.insertBefore(made, next);
  }

  /** Who reads far back keeps what he reads; else the oldest go. */
  #forget() {
    while (this.#isFollowing && this.#rows.size > MOST_ROWS) {
      const oldest = /** @type {HTMLElement} */ (this.#list.firstElementChild);
      this.#rows.delete(Number(oldest.dataset.seq));
      oldest.remove();
      this.hasForgotten = true;
    }
  }

  /** @param {Chat} message @returns {HTMLElement | null} */
  #row(message) {
    if (message.kind === "gone" || this.#gone.has(message.seq)) return note("A message was taken back");
    if (message.kind === "recall") return note("", true);
    if (message.kind === "member") return note(changeInWords(message.from ?? "", message.change ?? {}));
    if (message.kind !== "message") return null;
    const isOwn = message.from === this.#me;
    const row = element("li", isOwn ? "own" : "");
    if (!isOwn && mentions(message, this.#me)) row.classList.add("mentioned");
    row.append(element("bdi", "who", message.from ?? ""));
    for (const part of message.body ?? []) row.append(...show(part, message));
    row.append(this.#footer(message, isOwn));
    return row;
  }

  /** @param {Chat} message @param {boolean} isOwn */
  #footer(message, isOwn) {
    const { isGroup = false, role = "", otherRead = 0 } = this.#conversation ?? {};
    const footer = element("footer");
    if (isOwn || (isGroup && (role === "owner" || role === "admin"))) {
      const button = element("button", "link", "Take back");
      button.setAttribute("type", "button");
      button.addEventListener("click", () => this.#recall(message.seq));
      footer.append(button);
    }
    const time = /** @type {HTMLTimeElement} */ (element("time", "", timeOf(message.at ?? 0)));
    time.dateTime = new Date(message.at ?? 0).toISOString();
    footer.append(time);
    if (isOwn && !isGroup) {
      const tick = element("span", "tick");
      tick.setAttribute("role", "img");
      setTick(tick, message.seq <= otherRead);
      footer.append(tick);
    }
    return footer;
  }

  #toEnd() {
    this.#isFollowing = true;
    this.#newest.hidden = true;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#atEnd();
  }

  #look() {
    const below = this.#scroller.scrollHeight - this.#scroller.scrollTop - this.#scroller.clientHeight;
    const wasFollowing = this.#isFollowing;
    this.#isFollowing = below < NEAR_END;
    if (!this.#isFollowing) return;
    this.#newest.hidden = true;
    if (!wasFollowing) this.#atEnd();
  }
}

/** @param {Part} part @param {Chat} message @returns {Node[]} */
function show(part, message) {
  switch (part.type) {
    case "text":
      return [words(String(part.text), message)];
    case "image":
      return image(part);
    case "face":
      return [element("span", "words", `[face ${part.index}]`)];
    case "video":
      return link(part, "Video");
    case "sound":
      return link(part, "Sound");
    case "file":
      return link(part, `File: ${part.name}`);
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
    made.alt = `Image from ${url.host}`;
    made.referrerPolicy = "no-referrer";
    made.onerror = () => made.replaceWith(...link(part, `This image cannot be shown: ${url.host}`));
    made.src = url.href;
    return made;
  };
  if (url.origin === location.origin) return [picture()];
  const button = element("button", "show", `Show the image from ${url.host}`);
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

/** @param {Element} tick @param {boolean} isRead */
function setTick(tick, isRead) {
  tick.textContent = isRead ? "✓✓" : "✓";
  tick.ariaLabel = isRead ? "read" : "sent";
  tick.classList.toggle("read", isRead);
}

/** @param {string} text */
function note(text, isHidden = false) {
  const made = element("li", "note", text);
  made.hidden = isHidden;
  return made;
}

/** @param {number} at */
function timeOf(at) {
  const when = new Date(at);
  const isToday = when.toDateString() === new Date().toDateString();
  const clock = when.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return isToday ? clock : `${when.toLocaleDateString()} ${clock}`;
}

/** @param {string} tag @param {string} [kind] @param {string} [text] */
export function element(tag, kind = "", text = "") {
  const made = document.createElement(tag);
  if (kind) made.className = kind;
  made.textContent = text;
  return made;
}
