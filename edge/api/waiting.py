"""Calls that wait for something to tell: long polls, for moderators who follow what happens."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from danmaku.errors import FORBIDDEN, Refusal
from danmaku.model import Role
from edge.api.moderators import ranked
from edge.api.routing import Call, NumberQuery, RoomsClient

MAX_WAIT_S: Final = 25
WAIT: Final = NumberQuery("wait_s", "where there is nothing, wait so long for it", 0, MAX_WAIT_S)
POLL_S: Final = 0.5
_WAITING: Final = 200  # at a time, in one worker; whoever comes then is answered at once

T = TypeVar("T")


class Waiting:
    """Asks every now and then: an owner that waited would hold up what else was asked with it."""

    def __init__(self, rooms: RoomsClient, poll_s: float = POLL_S) -> None:
        self._rooms = rooms
        self._poll_s = poll_s
        self._waiting = 0

    async def until_there(self, call: Call, wait_s: int, read: Callable[[], Awaitable[list[T]]]) -> list[T]:
        """What `read` found first, empty where that is nothing within `wait_s`.

        Raises Refusal, `forbidden` also to who is dismissed meanwhile. Safe to cancel.
        """
        if not wait_s or self._waiting >= _WAITING:
            return []
        loop = asyncio.get_running_loop()
        until = loop.time() + wait_s
        self._waiting += 1
        try:
            while True:
                left_s = until - loop.time()
                await asyncio.sleep(max(0.0, min(self._poll_s, left_s)))
                await self._check(call)
                found = await read()
                if found or left_s <= self._poll_s:
                    return found
        finally:
            self._waiting -= 1

    async def _check(self, call: Call) -> None:
        """Whoever was appointed has to be so still."""
        if call.granted > Role.VIEWER:
            now = await ranked(self._rooms, Call(call.request, call.identity, call.parts))
            if now.role < call.granted:
                raise Refusal(FORBIDDEN)
