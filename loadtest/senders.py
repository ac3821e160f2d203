"""Comments on an open-loop clock: each leaves when it is due, whatever became of those before it.

The stamp in the text is when it was due, not when it left, so a stall of the sender or the service shows
up in full (no coordinated omission).
"""

from __future__ import annotations

import asyncio
import heapq
import random
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Protocol

import websockets

from danmaku import wire

ROOMS_EACH: Final = 16  # as many as one connection may join
_LAST_ANSWERS_S: Final = 5.0
_RETRY_S: Final = 0.2
_STAMP_DIGITS: Final = 19
_SPOKEN: Final = (
    "a again am are at best but bye can come cool did do fun game go good great haha have hello here how i is"
    " it just know last let like lol look love me more music my never nice no now of oh on one play please"
    " really right run see so song that the this time to too wait we welcome what when where who why wow you"
)
_WORDS: Final = " ".join(random.Random(1).choices(_SPOKEN.split(), k=8000))  # noqa: S311  always the same
_LONGEST: Final = 10_000


@dataclass(slots=True)
class Sent:
    """What became of the comments of a window; `shown` by room."""

    offered: int = 0
    shown: Counter[str] = field(default_factory=Counter)
    shed: int = 0
    unanswered: int = 0
    refused: Counter[str] = field(default_factory=Counter)


class Speaker(Protocol):
    """Who says something in the windows of a measurement."""

    async def run(self, begin_ns: int, seconds: float) -> Sent:
        """What became of what was due in `seconds` from `begin_ns`. Raises ConnectionError."""


@dataclass(slots=True)
class Clock:
    """When comments of a room are due: every 1 / `per_s` seconds, the first after `offset_s`.

    It runs on from window to window, so that a rate below one a window is kept, too.
    """

    room: str
    per_s: float
    offset_s: float = 0.0
    _ticks: int = 0

    def due(self, end_s: float) -> Iterator[tuple[float, str]]:
        """Those until `end_s`, each once. Seconds since the beginning of all windows."""
        while (at := self.offset_s + self._ticks / self.per_s) < end_s - 1e-9:
            self._ticks += 1
            yield at, self.room


def said(due_ns: int, size: int) -> str:
    """A comment of `size` letters that says when it was due; the rest are words, and compress as such."""
    return f"{due_ns} {words(due_ns, size)}"[: max(size, _STAMP_DIGITS)].rstrip()


def words(due_ns: int, size: int) -> str:
    """So many letters of what people say, others at another time."""
    begin = due_ns // 1000 * 7919 % (len(_WORDS) - _LONGEST)
    return _WORDS[begin : begin + size]


class Sender:
    """One logged-in connection that sends on its clocks and counts the answers.

    One that is `returning` connects again when it is thrown out, and says once more what was not answered,
    with the same `cid`s: nothing is shown twice for that.
    """

    def __init__(
        self, url: str, clocks: list[Clock], token: str, text_size: int, name: str, *, returning: bool = False
    ) -> None:
        self._url, self._clocks, self._token = url, clocks, token
        self._size = text_size
        self._name = name
        self._cid = f"{name}-{secrets.token_hex(4)}"  # the service remembers those of an earlier run
        self._returning = returning
        self._sent = Sent()
        self._number = 10
        self._elapsed_s = 0.0
        self._open: dict[int, wire.Send] = {}
        self._answered = asyncio.Event()
        self._socket: websockets.ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Sender:
        """Raises ConnectionError, OSError."""
        self._socket = await self._connected()
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._reader:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        if self._socket:
            await self._socket.close()

    async def run(self, begin_ns: int, seconds: float) -> Sent:
        """Send what is due in `seconds` from `begin_ns`; then wait up to 5 s for the last answers.

        Raises ConnectionError.
        """
        self._sent = Sent()
        end_s = self._elapsed_s + seconds
        for at, room in heapq.merge(*(clock.due(end_s) for clock in self._clocks)):
            due = begin_ns + int((at - self._elapsed_s) * 1e9)
            pause = (due - time.time_ns()) / 1e9
            if pause > 0:
                await asyncio.sleep(pause)
            self._number += 1
            text = said(due, self._size)
            frame = wire.Send(self._number, room, text, f"{self._cid}-{self._number}")
            self._open[self._number] = frame
            self._answered.clear()
            self._sent.offered += 1
            await self._say(frame)
        self._elapsed_s = end_s
        await self._last_answers()
        return self._sent

    async def _say(self, frame: wire.Send) -> None:
        try:
            if self._socket:
                await self._socket.send(wire.MSGPACK.encode(frame))
        except websockets.ConnectionClosed as closed:
            if not self._returning:
                raise ConnectionError(f"a sender's connection was closed: {closed}") from None

    async def _last_answers(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_ANSWERS_S):
                while self._open:
                    await self._answered.wait()
        self._sent.unanswered = len(self._open)
        self._open.clear()

    async def _connected(self) -> websockets.ClientConnection:
        """A new connection that has joined all rooms. Raises ConnectionError, OSError."""
        socket = await websockets.connect(
            self._url, subprotocols=[websockets.Subprotocol(wire.MSGPACK_PROTOCOL)], compression=None,
            ping_interval=None,
        )  # fmt: skip
        try:
            await socket.send(wire.MSGPACK.encode(wire.Hello(1, token=self._token, device=self._name)))
            await _answer(socket, 1)
            for clock in self._clocks:
                await socket.send(wire.MSGPACK.encode(wire.Join(2, clock.room)))
                await _answer(socket, 2)
        except websockets.ConnectionClosed as closed:
            raise ConnectionError(f"a sender was turned away: {closed}") from None
        return socket

    async def _read(self) -> None:
        while self._socket:
            with suppress(websockets.ConnectionClosed):
                async for message in self._socket:
                    self._take(message)
            if not self._returning:
                return  # found out where something is said
            await self._come_back()

    async def _come_back(self) -> None:
        """Until it works, or whoever waits for it gives up."""
        while True:
            try:
                self._socket = await self._connected()
            except (OSError, websockets.InvalidHandshake):
                await asyncio.sleep(_RETRY_S)
                continue
            for frame in list(self._open.values()):
                await self._say(frame)
            return

    def _take(self, message: str | bytes) -> None:
        for frame in wire.MSGPACK.decode_server(_bytes(message)):
            if isinstance(frame, wire.Ok | wire.Err) and frame.id in self._open:
                self._count(self._open.pop(frame.id).room, frame)
                if not self._open:
                    self._answered.set()

    def _count(self, room: str, frame: wire.Ok | wire.Err) -> None:
        if isinstance(frame, wire.Err):
            self._sent.refused[frame.error] += 1
        elif frame.shown:
            self._sent.shown[room] += 1
        else:
            self._sent.shed += 1


async def _answer(socket: websockets.ClientConnection, number: int) -> None:
    while True:
        for frame in wire.MSGPACK.decode_server(_bytes(await socket.recv())):
            if isinstance(frame, wire.Err):
                raise ConnectionError(f"{frame.error}: {frame.message}")
            if isinstance(frame, wire.Ok) and frame.id == number:
                return


def _bytes(message: str | bytes) -> bytes:
    return message.encode() if isinstance(message, str) else message
