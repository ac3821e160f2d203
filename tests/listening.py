"""How a server of a test's own stops."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from socket import socket
from typing import Protocol


class Listening(Protocol):
    @property
    def sockets(self) -> Iterable[socket]: ...


async def accept_no_more(server: Listening) -> None:
    """Before it is closed: asyncio leaves a connection open that was accepted in that very moment."""
    loop = asyncio.get_running_loop()
    for one in server.sockets:
        loop.remove_reader(one.fileno())
    await asyncio.sleep(0)  # those that were accepted become connections now
