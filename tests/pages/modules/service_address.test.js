import { httpAddress, socketAddress } from "/sdk/address.js";
import { same, throws } from "./assert.js";

export function whatever_form_it_is_given_in() {
  for (const [given, http, socket] of [
    ["http://127.0.0.1:8080", "http://127.0.0.1:8080/", "ws://127.0.0.1:8080/v1/ws"],
    ["live.example:9000", "http://live.example:9000/", "ws://live.example:9000/v1/ws"],
    ["https://live.example/", "https://live.example/", "wss://live.example/v1/ws"],
    ["wss://live.example/v1/ws", "https://live.example/", "wss://live.example/v1/ws"],
    ["https://site.example/danmaku/?room=x#token=y", "https://site.example/danmaku/", "wss://site.example/danmaku/v1/ws"],
    ["ws://[::1]:8080/v1/ws", "http://[::1]:8080/", "ws://[::1]:8080/v1/ws"],
  ]) same([httpAddress(given), socketAddress(given)], [http, socket], given);
}

export function what_is_none_is_refused() {
  for (const given of ["", "http://", "ftp://live.example", "file:///etc"]) throws(() => socketAddress(given), given);
}
