/** What one does by a call, or sends: done, or refused and told why. */

import { Refusal } from "../sdk/protocol.js";
import { t } from "./language.js";
import { refused } from "./wording.js";

/** Of what is sent by a button of that name: what nobody answered is said again by the same one. @param {Refusal} refusal */
export function unsent(refusal) {
  return refusal.isUndecided ? t("sent.unanswered") : refused(refusal);
}

/**
 * @template T @param {{bad: (why: string) => void}} toasts @param {() => Promise<T>} act
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
