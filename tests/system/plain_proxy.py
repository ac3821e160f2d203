"""A proxy that hands on all but what is for itself alone: of an upgrade it makes a plain request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.listening import accept_no_more


@asynccontextmanager
async def without_upgrade(port: int) -> AsyncIterator[int]:
    """Before the service at `port`, of one request a connection; yields its own port."""
    carrying: set[asyncio.Task[None] | None] = set()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        carrying.add(asyncio.current_task())
        with suppress(asyncio.IncompleteReadError, ConnectionError):  # browsers open some they do not use
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
            kept = [line for line in lines if not line.lower().startswith((b"upgrade:", b"connection:"))]
            answer, request = await asyncio.open_connection("127.0.0.1", port)
            request.write(b"\r\n".join([first, b"Connection: close", *kept]))
            writer.write(await answer.read())
            request.close()
        writer.close()

    async with await asyncio.start_server(carry, "127.0.0.1", 0) as proxy:
        yield proxy.sockets[0].getsockname()[1]
        await accept_no_more(proxy)
        for task in filter(None, carrying):
            task.cancel()
        await asyncio.gather(*filter(None, carrying), return_exceptions=True)
