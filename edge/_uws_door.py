"""The door of `edge.uws`: every TCP connection from accept to close, whatever becomes of it.

Why it is hard: native code tells of connections that came and of HTTP connections that went, but one that
becomes a WebSocket just disappears from there, and one that is told goodbye lives on for a while unseen.
And it takes in whoever waits, without end where they come as fast as that: so that those who are here get
their turn, it is told not to look at the door for a while once many came at a time. They wait in the kernel.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from edge._uws_http import Native, Pointer, plain_address

_FURTHEST_S: Final = 2.0  # ahead, however many came and whatever the pace is: it may be another one soon
_AHEAD_S: Final = 0.02  # of the average, before anybody has to wait


class Door(Protocol):
    """Who counts. Calls are synchronous; `said_goodbye`, then `gone` come once for each that was let in."""

    def each_s(self, now: float) -> float:
        """What should lie between two who come, on average, at `now` (the loop's time); 0: any number may."""

    def arrive(self, address: str) -> bool:
        """May it come in? False hangs up without a word."""

    def said_goodbye(self, address: str) -> None:
        """Somebody did; nearly all hang up at once then, but nobody tells when."""

    def gone(self, address: str) -> None:
        """It is gone."""


class Doorway:
    """Tells the door who comes and goes; who has only said goodbye is gone `goodbye_s` later."""

    def __init__(self, native: Native, door: Door, goodbye_s: float) -> None:
        self._native = native
        self._door = door
        self._goodbye_s = goodbye_s
        self._inside: dict[int, str] = {}  # addresses of HTTP connections
        self._due_s = 0.0  # when the next one would be due if they came evenly
        self._loop = asyncio.get_running_loop()
        self._look: Callable[[bool], None] | None = None
        self._waiting: asyncio.TimerHandle | None = None
        self._text_begin = native.ffi.new("const char **")  # of an address, when native code tells it
        self._on_passage = native.keep("uws_filter_handler", self._passed)

    def register(self, app: Pointer) -> None:
        self._native.lib.uws_filter(self._native.ssl, app, self._on_passage, self._native.ffi.NULL)

    def opened(self, look: Callable[[bool], None]) -> None:
        """From now on. `look`: whether native code shall see who waits there."""
        self._look = look

    def shut(self) -> None:
        """Until it is opened again."""
        self._look = None
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def upgraded(self, response: Pointer) -> str:
        """It becomes a WebSocket now; whose it is, to be told to `closed` in the end."""
        return self._inside.pop(self._key(response), "")

    def closed(self, address: str, *, hung_up: bool) -> None:
        """A WebSocket is closed, by whom ever. `hung_up`: its TCP connection, too."""
        self._door.said_goodbye(address)
        if hung_up:
            self._door.gone(address)
        else:
            asyncio.get_running_loop().call_later(self._goodbye_s, self._door.gone, address)

    def _passed(self, response: Pointer, step: int, _: Pointer) -> None:
        key = self._key(response)
        if step < 0:
            gone = self._inside.pop(key, None)
            if gone is not None:
                self._door.said_goodbye(gone)
                self._door.gone(gone)
            return
        self._pace()
        address = self._address(response)
        if self._door.arrive(address):
            self._inside[key] = address
        else:
            self._native.lib.uws_res_close(
                self._native.ssl, response
            )  # which calls back at once: it is not inside

    def _pace(self) -> None:
        now_s = self._loop.time()
        due_s = max(self._due_s, now_s) + self._door.each_s(now_s)
        self._due_s = min(due_s, now_s + _FURTHEST_S)
        if self._due_s - now_s > _AHEAD_S and self._waiting is None and self._look is not None:
            self._look(False)
            self._waiting = self._loop.call_at(self._due_s, self._look_again)

    def _look_again(self) -> None:
        self._waiting = None
        if self._due_s - self._loop.time() > _AHEAD_S:  # more had come before native code looked away
            self._waiting = self._loop.call_at(self._due_s, self._look_again)
        elif self._look is not None:
            self._look(True)

    def _key(self, response: Pointer) -> int:
        return int(self._native.ffi.cast("uintptr_t", response))

    def _address(self, response: Pointer) -> str:
        native, begin = self._native, self._text_begin
        length = native.lib.uws_res_get_remote_address_as_text(native.ssl, response, begin)
        return plain_address(str(native.ffi.unpack(begin[0], length), "latin-1")) if length else ""
