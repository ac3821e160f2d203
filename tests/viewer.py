"""A viewer that speaks the protocol frame by frame, for tests that look at each one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from danmaku import wire

F = TypeVar("F", bound=wire.ServerFrame)


class Viewer:
    """`frames` is everything received, in order, in so many `messages`, of which some were `compressed`;
    `closed` the close code once it ended."""

    def __init__(self, socket: ClientConnection, codec: wire.Codec) -> None:
        self.codec = codec
        self.frames: list[wire.ServerFrame] = []
        self.closed: int | None = None
        self.messages = 0
        self.compressed = 0
        self._socket = socket
        self._ids = 0
        self._news = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def say(self, *frames: wire.ClientFrame) -> None:
        """Send these as one message."""
        separator = b"" if self.codec.binary else b"\n"
        message = separator.join(self.codec.encode(frame) for frame in frames)
        await self._socket.send(message, text=not self.codec.binary)

    async def shout(self, message: str | bytes) -> None:
        """Send it as it is."""
        await self._socket.send(message)

    async def ask(self, frame: wire.ClientFrame) -> wire.Ok | wire.Err:
        """Send with an id of its own; the answer."""
        self._ids += 1
        number = self._ids
        await self.say(msgspec.structs.replace(frame, id=number))
        return await self.answer(number)

    async def ok(self, frame: wire.ClientFrame) -> wire.Ok:
        answer = await self.ask(frame)
        assert isinstance(answer, wire.Ok), answer
        return answer

    async def err(self, frame: wire.ClientFrame) -> str:
        """The name of the refusal."""
        answer = await self.ask(frame)
        assert isinstance(answer, wire.Err), answer
        return answer.error

    async def turned_away(self, hello: wire.Hello, error: str) -> int:
        """Say hello, and be refused with `error`; the close code. Where that is what was decided about
        somebody a moment ago, he may be sent away for it before he is answered."""
        await self.say(msgspec.structs.replace(hello, id=1))
        code = await self.ended()
        assert not self.all(wire.Ok)
        assert {answer.error for answer in self.all(wire.Err)} <= {error}
        return code

    async def answer(self, number: int) -> wire.Ok | wire.Err:
        while True:
            for frame in self.frames:
                if isinstance(frame, wire.Ok | wire.Err) and frame.id == number:
                    return frame
            await self.more()

    def all(self, kind: type[F]) -> list[F]:
        return [frame for frame in self.frames if isinstance(frame, kind)]

    async def until(self, kind: type[F], count: int = 1) -> list[F]:
        """All frames of a kind, once there are `count`."""
        while len(found := self.all(kind)) < count:
            await self.more()
        return found

    async def texts(self, count: int) -> list[str]:
        """The comments shown so far, once there are `count`."""
        while True:
            shown = [text for batch in self.all(wire.Batch) for text in self.read(batch)]
            if len(shown) >= count:
                return shown
            await self.more()

    def read(self, batch: wire.Batch) -> list[str]:
        return [self.codec.read(item)["text"] for item in batch.items]

    def read_history(self, ok: wire.Ok) -> list[str]:
        batches: list[dict[str, Any]] = self.codec.read(ok.history)
        return [item["text"] for batch in batches for item in batch["items"]]

    async def more(self, deadline_s: float = 30.0) -> None:
        """Wait for another frame, or the end. Fails when it has ended already."""
        assert self.closed is None, f"closed with {self.closed}"
        self._news.clear()
        async with asyncio.timeout(deadline_s):
            await self._news.wait()

    async def ended(self, deadline_s: float = 30.0) -> int:
        """The close code."""
        async with asyncio.timeout(deadline_s):
            await asyncio.wait([self._reading])
        assert self.closed is not None
        return self.closed

    async def close(self) -> None:
        await self._socket.close()
        await self._reading

    async def _read(self) -> None:
        try:
            while True:
                message = await self._socket.recv(decode=False)
                frames = wire.inflated(message)
                self.messages += 1
                self.compressed += frames != message
                self.frames += self.codec.decode_server(frames)
                self._news.set()
        except ConnectionClosed:
            self.closed = self._socket.close_code or 1006
            self._news.set()


@asynccontextmanager
async def viewer(
    port: int, codec: wire.Codec = wire.MSGPACK, headers: Mapping[str, str] | None = None
) -> AsyncIterator[Viewer]:
    """A connection to an edge on this machine. Raises websockets.InvalidStatus when it is refused."""
    async with connect(
        f"ws://127.0.0.1:{port}/v1/ws",
        subprotocols=[Subprotocol(codec.protocol)],
        additional_headers=dict(headers or {}),
        compression=None,
        proxy=None,
    ) as socket:
        one = Viewer(socket, codec)
        try:
            yield one
        finally:
            await one.close()
