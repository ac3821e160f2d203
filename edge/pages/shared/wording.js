/** Figures and sentences as people read them. */

/** @param {number} seconds */
export function lasting(seconds) {
  if (seconds < 100) return `${seconds} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${Math.ceil(minutes / 60)} h`;
}

/** @param {string} message */
export function sentence(message) {
  return message.charAt(0).toUpperCase() + message.slice(1);
}

/** A number that fits anywhere: 999, 12.3k, 4M. @param {number} value */
export function short(value) {
  return new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

/**
 * An amount as people write it; the smallest unit is a hundredth where nobody knows better.
 * @param {{amount: number, currency: string}} paid
 */
export function money({ amount, currency }) {
  try {
    const format = new Intl.NumberFormat(undefined, { style: "currency", currency });
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
