"""A proxy that hands on all but what is for itself alone: of an upgrade it makes a plain request."""

from __future__ import annotations

import asyncio
import re
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.listening import accept_no_more

_LENGTH = re.compile(rb"^content-length: *(\d+)", re.IGNORECASE | re.MULTILINE)


@asynccontextmanager
async def _closing(writer: StreamWriter) -> AsyncIterator[None]:
    """Also where its task is cancelled: browsers keep connections that they do not use."""
    try:
        yield
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def _carry(reader: StreamReader, writer: StreamWriter, port: int) -> None:
    async with _closing(writer):
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            body = await reader.readexactly(int(length[1])) if length else b""
            first, *lines = head.split(b"\r\n")
            kept = [line for line in lines if not line.lower().startswith((b"upgrade:", b"connection:"))]
            answer, request = await asyncio.open_connection("127.0.0.1", port)
            async with _closing(request):
                request.write(b"\r\n".join([first, b"Connection: close", *kept]) + body)
                writer.write(await answer.read())


@asynccontextmanager
async def without_upgrade(port: int) -> AsyncIterator[int]:
    """Before the service at `port`, of one request a connection; yields its own port."""
    carrying: list[asyncio.Task[None]] = []

    def accept(reader: StreamReader, writer: StreamWriter) -> None:
        carrying.append(asyncio.create_task(_carry(reader, writer, port)))

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as proxy:
        yield proxy.sockets[0].getsockname()[1]
        await accept_no_more(proxy)
        for task in carrying:
            task.cancel()
        await asyncio.gather(*carrying, return_exceptions=True)
