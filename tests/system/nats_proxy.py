"""A wire between one edge and nats-server that loses messages on their way to the edge.

It reads just enough of the NATS protocol to know where a message begins and ends. Everything else, and
everything in the other direction, passes untouched.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from danmaku.envelope import Out, OutKind, decode_out
from tests.listening import accept_no_more

Rule = Callable[[Out], bool]
"""Whether this message gets lost."""

_CHUNK: Final = 64 * 1024


def nothing(_: Out) -> bool:
    return False


def everything(_: Out) -> bool:
    return True


def every_batch(out: Out) -> bool:
    return out.kind is OutKind.BATCH


def some(share: float, seed: int = 1) -> Rule:
    """That share of all messages, statistics included; the same ones for the same seed."""
    dice = random.Random(seed)  # noqa: S311  a seed makes failures repeatable
    return lambda _: dice.random() < share


def every(k: int) -> Rule:
    """One of `k` batches."""
    seen = 0

    def lose(out: Out) -> bool:
        nonlocal seen
        seen += out.kind is OutKind.BATCH
        return out.kind is OutKind.BATCH and seen % k == 0

    return lose


class NatsProxy:
    """Set `lose` (of `room out`) and `deaf` (whole subjects) at any time.

    `lost` counts what got lost of `room out`, by kind.
    """

    def __init__(self, port: int, prefix: str) -> None:
        self.lose: Rule = nothing
        self.deaf: frozenset[str] = frozenset()
        self.lost = dict.fromkeys(OutKind, 0)
        self._upstream = port
        self._subjects = f"{prefix}.out.".encode()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"nats://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)

    async def close(self) -> None:
        assert self._server is not None
        await accept_no_more(self._server)
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._carry(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: writer.close())  # also of one that was cancelled before it began

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Both ways, until one side ends."""
        try:
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self._upstream)
        except OSError:
            writer.close()
            return
        ways = [
            asyncio.ensure_future(_pass(reader, to_server)),
            asyncio.ensure_future(self._sift(from_server, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for end in (writer, to_server):
                end.close()

    async def _sift(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """From the server: lines, and after `MSG` and `HMSG` as many bytes as the line says."""
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                line = await reader.readuntil(b"\r\n")
                words = line.split()
                if words[0] in (b"MSG", b"HMSG"):
                    payload = await reader.readexactly(int(words[-1]) + 2)
                    if self._gets_lost(words[1], payload[:-2]):
                        continue
                    line += payload
                writer.write(line)
                await writer.drain()

    def _gets_lost(self, subject: bytes, payload: bytes) -> bool:
        if not subject.startswith(self._subjects):
            return subject.decode() in self.deaf
        out = decode_out(payload)
        if not self.lose(out):
            return False
        self.lost[out.kind] += 1
        return True


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()


@asynccontextmanager
async def nats_proxy(port: int, prefix: str = "danmaku") -> AsyncIterator[NatsProxy]:
    """In front of the nats-server at `port`, while the block lasts."""
    proxy = NatsProxy(port, prefix)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.close()
