/** What one does by a call: done, or refused and told why. */

import { Refusal } from "../sdk/protocol.js";
import { refused } from "./language.js";

/**
 * @template T @param {import("./toasts.js").Toasts} toasts @param {() => Promise<T>} act
 * @returns {Promise<T | null>} null where it was refused, which is said
 */
export async function told(toasts, act) {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    toasts.bad(refused(error));
    return null;
  }
}
