/** Where a service is, in whatever form its address was given. */

const SOCKET = "v1/ws";

/** With a slash at its end. @param {string} url @returns {string} @throws {TypeError} where it is no address */
export function httpAddress(url) {
  const address = new URL(url.includes("://") ? url : `http://${url}`);
  const scheme = { "ws:": "http:", "wss:": "https:" }[address.protocol] ?? address.protocol;
  if (scheme !== "http:" && scheme !== "https:") throw new TypeError(`${url} is not where a service can be`);
  const path = address.pathname.replace(/\/v1\/ws$/, "").replace(/\/+$/, "");
  return `${scheme}//${address.host}${path}/`;
}

/** @param {string} url @returns {string} @throws {TypeError} where it is no address */
export function socketAddress(url) {
  return `${httpAddress(url).replace(/^http/, "ws")}${SOCKET}`;
}
