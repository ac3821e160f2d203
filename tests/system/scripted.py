"""A WebSocket server that says exactly what a test wants, in the real protocol's bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from danmaku.model import Position
from danmaku.wire import (
    JSON,
    JSON_PROTOCOL,
    MSGPACK,
    MSGPACK_PROTOCOL,
    At,
    Batch,
    ClientFrame,
    Comment,
    Hello,
    Join,
    Leave,
    Malformed,
    Ok,
    Ping,
    ServerFrame,
)
from tests.listening import accept_no_more

F = TypeVar("F", bound=ClientFrame)


class Visit:
    """One connection as the server sees it: `expect` what the client says, `say` something back."""

    def __init__(self, socket: ServerConnection) -> None:
        self.codec = JSON if socket.subprotocol == JSON_PROTOCOL else MSGPACK
        self.silent = False
        self.pings = 0
        self._socket = socket
        self._frames: asyncio.Queue[ClientFrame] = asyncio.Queue()

    async def read(self) -> None:
        """Read until the client is gone; pings are answered unless the server plays dead."""
        try:
            while True:
                message = await self._socket.recv(decode=False)
                for frame in self.codec.decode(message):
                    assert not isinstance(frame, Malformed), frame
                    if not isinstance(frame, Ping):
                        self._frames.put_nowait(frame)
                        continue
                    self.pings += 1
                    if not self.silent:
                        await self.say(Ok(frame.id, server_time=1234))
        except ConnectionClosed:
            return

    async def hear(self) -> ClientFrame:
        """The next frame that is no ping."""
        return await self._frames.get()

    async def expect(self, kind: type[F]) -> F:
        """The next frame, which must be a `kind`."""
        frame = await asyncio.wait_for(self.hear(), 30)
        assert isinstance(frame, kind), frame
        return frame

    @property
    def waiting(self) -> int:
        return self._frames.qsize()

    async def say(self, *frames: ServerFrame) -> None:
        """All `frames` in one message."""
        encoded = [self.codec.encode(frame) for frame in frames]
        glue = b"" if self.codec.binary else b"\n"
        await self._socket.send(glue.join(encoded), text=not self.codec.binary)

    async def say_bytes(self, message: bytes) -> None:
        await self._socket.send(message, text=not self.codec.binary)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        await self._socket.close(code, reason)

    def cut(self) -> None:
        """Break the connection without a word."""
        self._socket.transport.abort()

    async def greet(self, heartbeat_ms: int = 20_000) -> Hello:
        hello = await self.expect(Hello)
        await self.say(self.welcome(hello, heartbeat_ms))
        return hello

    def welcome(self, hello: Hello, heartbeat_ms: int = 20_000) -> Ok:
        return Ok(
            hello.id,
            uid="u1",
            name="ann",
            role="guest",
            session="s1",
            heartbeat_ms=heartbeat_ms,
            server_time=1234,
        )

    async def admit(
        self,
        head: Position,
        history: Sequence[Batch] = (),
        *,
        complete: bool = True,
        title: str | None = None,
        then: Sequence[Batch] = (),
    ) -> Join:
        """Answer a join; `then` follows in the same message."""
        join = await self.expect(Join)
        ok = Ok(
            join.id,
            room=join.room,
            epoch=head.epoch,
            seq=head.seq,
            viewers=1,
            likes=0,
            settings=self.codec.value({"slow_s": 3}),
            history=self.batches(history),
            complete=complete,
            title=title,
        )
        await self.say(ok, *then)
        return join

    async def let_go(self) -> None:
        leave = await self.expect(Leave)
        await self.say(Ok(leave.id))

    def batches(self, history: Sequence[Batch]) -> msgspec.Raw:
        return self.codec.history([self.codec.encode(one) for one in history])

    def batch(self, epoch: int, seq: int, *texts: str, prev: Position | None = None) -> Batch:
        items = [self.codec.value(Comment("u2", "bob", text)) for text in texts]
        return Batch("demo", epoch, seq, 99, items, None if prev is None else At.of(prev))


Script = Callable[[Visit], Awaitable[Any]]
Http = Callable[[ServerConnection, Request], Response | None]


@asynccontextmanager
async def scripted(*scripts: Script, http: Http | None = None) -> AsyncIterator[str]:
    """Serve: the n-th connection gets the n-th script, later ones the last. Yields the address.

    A connection stays open after its script, and a script's failure fails the test. `http` answers
    what is no WebSocket (None: it is one).
    """
    visits = 0
    failures: list[Exception] = []

    async def visit(socket: ServerConnection) -> None:
        nonlocal visits
        script = scripts[min(visits, len(scripts) - 1)]
        visits += 1
        one = Visit(socket)
        speaking = asyncio.ensure_future(script(one))
        speaking.add_done_callback(
            lambda done: one.cut() if not done.cancelled() and done.exception() else None
        )
        await one.read()
        speaking.cancel()
        ended = (await asyncio.gather(speaking, return_exceptions=True))[0]
        if isinstance(ended, Exception) and not isinstance(ended, ConnectionClosed):
            failures.append(ended)

    protocols = [Subprotocol(MSGPACK_PROTOCOL), Subprotocol(JSON_PROTOCOL)]
    async with serve(
        visit, "127.0.0.1", 0, subprotocols=protocols, compression=None, process_request=http
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"http://127.0.0.1:{port}"
        await accept_no_more(server)
        if failures:
            raise failures[0]
