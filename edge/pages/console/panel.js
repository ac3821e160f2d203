/**
 * What the panels have in common.
 *
 * @typedef {import("./column.js").Column} Column
 * @typedef {object} Context
 * @property {import("./acts.js").Acts} acts
 * @property {() => Column | null} column the room that is looked at
 * @property {() => Column[]} columns all of them
 * @property {import("../sdk/calls.js").Calls} calls
 * @property {() => boolean} isAdmin
 * @property {(room: string, uid: string) => void} openCard
 * @typedef {object} Panel
 * @property {() => void | Promise<void>} open it is shown, or of another room than before
 * @property {() => void} [changed] there is news of a room
 * @property {() => void} [hurry] something was done, or the service is there again
 * @property {() => void} [close] it is shown no longer
 */

export {};
