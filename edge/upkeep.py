"""What has to be looked at from time to time: newcomers, slow readers, counted connections."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol

from config.settings import Edge
from danmaku.errors import Close
from danmaku.telemetry import EdgeMetrics
from edge.fanout import Fanout
from edge.patience import Newcomers, Pace, Rounds, SlowReaders
from edge.uws import Connection

_EVERY_S: Final = 1.0
_SLICE: Final = 200  # connections looked at in one go
_PAUSE_S: Final = 0.005  # between two such goes
_OFTEN_S: Final = 0.25
_MOST_COUNTED: Final = 100  # that are checked at one time: 400 a second, however many came at once


class Connections(Protocol):
    """What of edge.uws.Server is needed here."""

    def connections(self) -> list[Connection]: ...


class Upkeep:
    """A reader is behind with more than `behind_bytes` unread; `slow_s` of that in a row end it.

    All connections are only looked at after that much was published since the last time: without it
    nobody can have fallen behind. `check` is called with every counted connection in its round.
    """

    def __init__(
        self,
        server: Connections,
        fanout: Fanout,
        newcomers: Newcomers[Connection],
        counted: Rounds[Connection],
        check: Callable[[Connection], None],
        metrics: EdgeMetrics,
        *,
        behind_bytes: int,
        limits: Edge,
    ) -> None:
        self._server = server
        self._fanout = fanout
        self._newcomers = newcomers
        self._counted = counted
        self._check = check
        self._metrics = metrics
        self._behind_bytes = behind_bytes
        self._slow: SlowReaders[Connection] = SlowReaders(behind_bytes, limits)

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._look_often())
            tasks.create_task(self._watch_readers())

    async def _look_often(self) -> None:
        while True:
            await asyncio.sleep(_OFTEN_S)
            self._metrics.hand_over()
            now = time.monotonic()
            for connection in self._newcomers.due(now):
                if connection.is_open and not connection.session.said_hello:
                    connection.close(Close.NO_HELLO, "no hello in time")
            for connection in self._counted.due(now, _MOST_COUNTED):
                self._check(connection)

    async def _watch_readers(self) -> None:
        published = self._fanout.published_bytes
        while True:
            await asyncio.sleep(_EVERY_S)
            await self._look_at(self._slow.readers())
            if self._fanout.published_bytes - published > self._behind_bytes:
                published = self._fanout.published_bytes
                await self._look_at(self._server.connections())

    async def _look_at(self, connections: list[Connection]) -> None:
        for begin in range(0, len(connections), _SLICE):
            now = time.monotonic()
            for connection in connections[begin : begin + _SLICE]:
                pace = self._slow.look(connection, connection.buffered(), now)
                if pace is Pace.FELL_BEHIND:
                    self._metrics.slow_gaps.inc()
                elif pace is Pace.GIVEN_UP:
                    connection.close(Close.TOO_SLOW, "too slow for too long")
            await asyncio.sleep(_PAUSE_S)
