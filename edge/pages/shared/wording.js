/** Figures as people read them, in their language. */

import { TIMING } from "../sdk/pace.js";
import { knows, language, sentence, t } from "./language.js";

const QUOTED = 30; // letters
/** Refusals whose message is why a moderator did that. */
const REASONED = new Set(["banned", "muted"]);
const compact = new Intl.NumberFormat(language(), { notation: "compact", maximumFractionDigits: 1 });

/** @param {number} seconds */
export function lasting(seconds) {
  if (seconds < 100) return t("lasting.seconds", { n: seconds });
  const minutes = Math.ceil(seconds / 60);
  return minutes < 100 ? t("lasting.minutes", { n: minutes }) : t("lasting.hours", { n: Math.ceil(minutes / 60) });
}

/** Of what is said now: nothing where there is a connection. @param {{isComing: boolean}} of whether there may be one soon */
export function waiting({ isComing }) {
  return isComing ? t("connection.sends", { n: TIMING.answer / 1000 }) : "";
}

/**
 * What a notice, or a refusal, tells somebody about himself.
 * @param {string} kind @param {string} [reason] @param {number | null} [retryMs] for so long @param {string} [text] of his own
 */
export function noticed(kind, reason = "", retryMs = null, text = "") {
  const span = retryMs === null ? "" : t("notice.span", { time: lasting(Math.ceil(retryMs / 1000)) });
  const isTold = reason !== "" && reason !== `you are ${kind}`; // as the service refuses where no reason was given
  return t(`notice.${kind}`, { span, why: isTold ? t("notice.why", { reason }) : "", text: text && quoted(text) });
}

/** Its beginning, which turns nothing round that stands beside it. @param {string} text */
function quoted(text) {
  const letters = Array.from(text);
  return ` “\u2068${letters.slice(0, QUOTED).join("")}${letters.length > QUOTED ? "…" : ""}\u2069”`;
}

/**
 * What was refused, by its name. English has the service's own words where a page knows no better ones; other
 * languages have them where the name is new to this page.
 * @param {{name: string, message: string, retryMs?: number | null}} refusal
 */
export function refused({ name, message, retryMs = null }) {
  if (REASONED.has(name)) return noticed(name, message, retryMs);
  const key = `refusal.${name}`;
  return knows(key) ? t(key) : sentence(message);
}

/** A number that fits anywhere: 999, 12.3K, 4M; 1.2万. @param {number} value */
export function short(value) {
  return compact.format(value);
}

/**
 * An amount as people write it; the smallest unit is a hundredth where nobody knows better.
 * @param {{amount: number, currency: string}} paid
 */
export function money({ amount, currency }) {
  try {
    const format = new Intl.NumberFormat(language(), { style: "currency", currency });
    const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
    return format.format(amount / 10 ** digits);
  } catch {
    return `${amount / 100} ${currency}`;
  }
}

/** Shares of all votes in whole percents. @param {number[]} counts */
export function shares(counts) {
  const all = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => (all === 0 ? 0 : Math.round((count / all) * 100)));
}
