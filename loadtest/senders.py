"""Comments on an open-loop clock: each leaves when it is due, whatever became of those before it.

The stamp in the text is when it was due, not when it left, so a stall of the sender or the service shows
up in full (no coordinated omission).
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field

import websockets

from danmaku import wire


@dataclass(slots=True)
class Sent:
    """What became of the comments of a window."""

    offered: int = 0
    shown: int = 0
    shed: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    positions: list[tuple[int, int]] = field(default_factory=list)


class Sender:
    """One logged-in connection that sends on a clock and counts the answers."""

    def __init__(self, url: str, room: str, token: str, text_size: int, name: str) -> None:
        self._url, self._room, self._token = url, room, token
        self._size = text_size
        self._name = name
        self._sent = Sent()
        self._number = 10
        self._open: set[int] = set()
        self._answered = asyncio.Event()
        self._socket: websockets.ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Sender:
        self._socket = await websockets.connect(
            self._url, subprotocols=[websockets.Subprotocol(wire.MSGPACK_PROTOCOL)], compression=None,
            ping_interval=None,
        )  # fmt: skip
        await self._socket.send(wire.MSGPACK.encode(wire.Hello(1, token=self._token, device=self._name)))
        await self._answer(1)
        await self._socket.send(wire.MSGPACK.encode(wire.Join(2, self._room)))
        await self._answer(2)
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._reader:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        if self._socket:
            await self._socket.close()

    async def run(self, per_s: float, seconds: float, offset_s: float = 0.0) -> Sent:
        """Send for `seconds`, beginning `offset_s` late; then wait up to 5 s for the last answers."""
        assert self._socket  # noqa: S101  entered
        self._sent = Sent()
        begin = time.time_ns() + int(offset_s * 1e9)
        for tick in range(round(seconds * per_s)):
            due = begin + int(tick / per_s * 1e9)
            pause = (due - time.time_ns()) / 1e9
            if pause > 0:
                await asyncio.sleep(pause)
            self._number += 1
            self._open.add(self._number)
            self._answered.clear()
            self._sent.offered += 1
            text = str(due).ljust(self._size, ".")
            frame = wire.Send(self._number, self._room, text, f"{self._name}-{self._number}")
            await self._socket.send(wire.MSGPACK.encode(frame))
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                await self._answered.wait()
        return self._sent

    async def _answer(self, number: int) -> None:
        assert self._socket  # noqa: S101  entered
        while True:
            for frame in wire.MSGPACK.decode_server(_bytes(await self._socket.recv())):
                if isinstance(frame, wire.Err):
                    raise ConnectionError(f"{frame.error}: {frame.message}")
                if isinstance(frame, wire.Ok) and frame.id == number:
                    return

    async def _read(self) -> None:
        assert self._socket  # noqa: S101  entered
        async for message in self._socket:
            for frame in wire.MSGPACK.decode_server(_bytes(message)):
                if isinstance(frame, wire.Ok | wire.Err) and frame.id in self._open:
                    self._open.discard(frame.id)
                    if not self._open:
                        self._answered.set()
                    self._count(frame)

    def _count(self, frame: wire.Ok | wire.Err) -> None:
        if isinstance(frame, wire.Err):
            self._sent.refused[frame.error] = self._sent.refused.get(frame.error, 0) + 1
        elif frame.shown:
            self._sent.shown += 1
            self._sent.positions.append((frame.epoch or 0, frame.seq or 0))
        else:
            self._sent.shed += 1


def _bytes(message: str | bytes) -> bytes:
    return message.encode() if isinstance(message, str) else message
