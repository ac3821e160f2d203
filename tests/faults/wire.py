"""A wire between a part and a server, which can be cut, go silent in one direction or both, or get slow.

A cut wire refuses and closes; a silent one looks whole, as after a cable was pulled. Nothing is lost of what
a silent wire holds back: TCP would send it again.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.listening import accept_no_more

_CHUNK: Final = 64 * 1024


class Wire:
    """To a TCP port of this machine, or to a Unix socket. `port` is where it begins, from `start` on."""

    def __init__(self, end: int | Path) -> None:
        self._end = end
        self._server: asyncio.Server | None = None
        self._ways: set[asyncio.Task[None]] = set()
        self._cut = False
        self._delay_s = 0.0
        self._open = {"there": asyncio.Event(), "back": asyncio.Event()}

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def start(self) -> None:
        self.heal()
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)

    async def close(self) -> None:
        if self._server is not None:
            await accept_no_more(self._server)
            self._server.close()
        await self._end_all()

    def heal(self) -> None:
        self._cut, self._delay_s = False, 0.0
        for way in self._open.values():
            way.set()

    async def cut(self) -> None:
        self._cut = True
        await self._end_all()

    def silence(self, *ways: str) -> None:
        """`there`: what the part says; `back`: what the server says."""
        for way in ways:
            self._open[way].clear()

    def slow(self, delay_s: float) -> None:
        self._delay_s = delay_s

    async def _end_all(self) -> None:
        for task in self._ways:
            task.cancel()
        await asyncio.gather(*self._ways, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._carry(reader, writer))
        self._ways.add(task)
        task.add_done_callback(self._ways.discard)
        task.add_done_callback(lambda _: writer.close())  # also of one that was cancelled before it began

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Both ways, until one side ends."""
        ends = [writer]
        ways: list[asyncio.Task[None]] = []
        try:
            with suppress(OSError):
                if self._cut:
                    return
                from_server, to_server = await self._to_the_end()
                ends.append(to_server)
                ways.append(asyncio.ensure_future(self._pass(reader, to_server, "there")))
                ways.append(asyncio.ensure_future(self._pass(from_server, writer, "back")))
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for end in ends:
                end.close()

    async def _to_the_end(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._end, Path):
            return await asyncio.open_unix_connection(str(self._end))
        return await asyncio.open_connection("127.0.0.1", self._end)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: str) -> None:
        with suppress(OSError):
            while chunk := await reader.read(_CHUNK):
                if self._delay_s:
                    await asyncio.sleep(self._delay_s * random.uniform(0.5, 1.5))  # noqa: S311  no secret
                await self._open[way].wait()
                writer.write(chunk)
                await writer.drain()
