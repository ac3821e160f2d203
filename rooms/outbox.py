"""Everything a rooms process says, in the order in which it was said."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Any, Final

import structlog
from prometheus_client import Histogram

from danmaku.bus import Bus, BusDown
from rooms.tracing import Publication

_MOST: Final = 20_000

_log: Any = structlog.get_logger("rooms.outbox")


class Outbox:
    """A bounded queue before the bus. What does not get out is lost: it was a hint, or is asked for again."""

    def __init__(self, bus: Bus, seconds: Histogram, most: int = _MOST) -> None:
        self._bus = bus
        self._seconds = seconds
        self._most = most
        self._waiting: deque[tuple[str, bytes, Publication | None]] = deque()
        self._wake = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._lost = 0

    def post(self, subject: str, payload: bytes, traced: Publication | None = None) -> None:
        """Never raises, never waits. traced: what of it is followed."""
        if len(self._waiting) >= self._most:
            self._lost += 1
            return
        self._waiting.append((subject, payload, traced))
        self._empty.clear()
        self._wake.set()

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            begin = time.monotonic()
            while self._waiting:
                await self._send(*self._waiting.popleft())
            self._seconds.observe(time.monotonic() - begin)
            self._empty.set()
            self._tell_lost()

    async def drain(self, timeout_s: float) -> None:
        """Return when all was given to the server, or it takes too long; `run` must be running."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._empty.wait()
                await self._bus.flush(timeout_s)
        except (TimeoutError, BusDown) as error:
            _log.warning("the last messages may not have got out", error=repr(error))

    async def _send(self, subject: str, payload: bytes, traced: Publication | None) -> None:
        try:
            if traced is None:
                await self._bus.publish(subject, payload)
            else:
                await self._bus.publish(subject, payload, traced.header)
                traced.sent()
        except BusDown:
            self._lost += 1

    def _tell_lost(self) -> None:
        if self._lost:
            _log.warning("messages could not be sent: the bus is away or too slow", messages=self._lost)
            self._lost = 0
