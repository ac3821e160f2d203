"""The proxy of tests itself: it leaves nothing open, for that would fail another test."""

from __future__ import annotations

import asyncio
import gc
from asyncio import StreamReader, StreamWriter

import pytest

from tests.system.plain_proxy import without_upgrade

pytestmark = pytest.mark.asyncio(loop_scope="function")


async def test_what_is_open_at_its_end_is_closed(recwarn: pytest.WarningsRecorder) -> None:
    gc.collect()  # what others left is not told of
    recwarn.clear()
    asked, told = asyncio.Event(), []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context["message"]))

    async def silent(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.readuntil(b"body")
        asked.set()
        await reader.read()
        writer.close()

    service = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with service, without_upgrade(service.sockets[0].getsockname()[1]) as port:
        (_, idle), (_, waiting) = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        waiting.write(b"PUT / HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody")
        await asyncio.wait_for(asked.wait(), 20)
    for writer in (idle, waiting):
        writer.close()
        await writer.wait_closed()
    gc.collect()
    assert [str(one.message) for one in recwarn] == [] == told
