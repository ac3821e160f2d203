/**
 * What a room shows, as an overlay draws it.
 *
 * @typedef {import("../sdk/protocol.js").Event} Event
 */

import { isStaff } from "../sdk/protocol.js";
import { money } from "./wording.js";

/**
 * The comment to push; null for events that do not fly. It holds the event, by which it is found when that is taken back.
 * @param {Event} event @param {boolean} isOwn
 * @returns {import("../overlay/comment.js").Comment & {event: Event} | null}
 */
export function overlaid(event, isOwn = false) {
  switch (event.kind) {
    case "comment": {
      const { text, mode, color, size, role } = event;
      return { event, text, mode, color, size, isOwn, isStaff: isStaff(role) };
    }
    case "gift":
      return { event, label: giftLabel(event), text: event.text, style: "gift", isOwn };
    case "paid":
      return { event, label: `${event.name || event.uid} · ${money(event)}`, text: event.text, style: "paid", isOwn };
    default:
      return null;
  }
}

/** @param {import("../sdk/protocol.js").Gift} gift */
function giftLabel({ uid, name, gift, count, amount, currency }) {
  const paid = amount === null ? [] : [money({ amount, currency })];
  return [name || uid, `${gift} × ${count}`, ...paid].join(" · ");
}
