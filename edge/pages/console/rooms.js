/** Which rooms stand side by side: kept in the address, so that a link leads to the same ones. */

import { isId } from "../sdk/protocol.js";

export const MOST_ROOMS = 6;

/** @returns {string[]} */
export function roomsInAddress() {
  const named = new URLSearchParams(location.search).getAll("room").filter(isId);
  return [...new Set(named)].slice(0, MOST_ROOMS);
}

/** Whether the address names one that cannot be. */
export function isAddressWrong() {
  return !new URLSearchParams(location.search).getAll("room").every(isId);
}

/** @param {string[]} rooms */
export function keepRooms(rooms) {
  const query = rooms.map((room) => `room=${room}`).join("&");
  history.replaceState(null, "", location.pathname + (query && `?${query}`));
}

/** Names of rooms to choose from, the fullest first. @param {import("../sdk/calls.js").Calls} calls @param {HTMLDataListElement} list */
export async function offerRooms(calls, list) {
  const { rooms } = await calls.call("GET", "v1/rooms").catch(() => ({ rooms: [] })); // one can type the name all the same
  list.replaceChildren(...rooms.map((/** @type {{room: string, title: string}} */ { room, title }) => new Option(title, room)));
}
