"""Logs that lost their end get it back from the memory of their owner.

A store that was started anew, or replaced by one that followed it, may have lost what it took last. What
is appended again here was shown long ago, so nothing is published: edges and viewers know it by its position.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, Final

import structlog

from danmaku.model import Position
from danmaku.store.errors import StoreDown
from danmaku.store.history import Appended, HistoryLog, Outcome
from danmaku.telemetry import RoomsMetrics
from rooms.batch import Batch
from rooms.loaded import LoadedRoom, LoadedRooms

_AT_ONCE: Final = 16  # rooms in one pipelined write: at most 16 times what `recent` keeps of one, 4 MB

Problem = Exception | Position
"""The outcome is unknown, or the log ends there now."""

_log: Any = structlog.get_logger("rooms.mending")


class Mending:
    """For `Flush` alone, which has one append at a time under way. `mended` is told each room it mended."""

    def __init__(
        self,
        history: HistoryLog,
        rooms: LoadedRooms,
        process: str,
        metrics: RoomsMetrics,
        mended: Callable[[LoadedRoom], None],
    ) -> None:
        self._history = history
        self._rooms = rooms
        self._process = process
        self._metrics = metrics
        self._mended = mended

    async def mend(self, torn: Mapping[LoadedRoom, Position]) -> list[tuple[LoadedRoom, Problem]]:
        """Append what logs that end there have lost; returns those for which that is not all.

        What was appended of them is found again by the next attempt.
        """
        problems: list[tuple[LoadedRoom, Problem]] = []
        rooms = iter(torn.items())
        while some := list(islice(rooms, _AT_ONCE)):
            lost = [(loaded, loaded.recent.missing(head)) for loaded, head in some if not loaded.gone]
            problems += await self._append([(loaded, batches) for loaded, batches in lost if batches])
        return problems

    async def _append(self, lost: list[tuple[LoadedRoom, list[Batch]]]) -> list[tuple[LoadedRoom, Problem]]:
        appends = [batch.append(loaded.room.lease) for loaded, batches in lost for batch in batches]
        try:
            with self._metrics.store_seconds.labels("reappend").time():
                outcomes = iter(await self._history.append(self._process, appends))
        except StoreDown as error:
            return [(loaded, error) for loaded, _ in lost]
        problems: list[tuple[LoadedRoom, Problem]] = []
        for loaded, batches in lost:
            problem = self._settle(loaded, list(islice(outcomes, len(batches))))
            if problem is not None:
                problems.append((loaded, problem))
        return problems

    def _settle(self, loaded: LoadedRoom, outcomes: list[Appended | Exception]) -> Problem | None:
        """The first outcome that is not OK decides: what follows it is refused because of it."""
        name, again = loaded.room.name, 0
        for outcome in outcomes:
            if not isinstance(outcome, Appended):
                return outcome
            if outcome.outcome is Outcome.MISMATCH:
                missing = loaded.recent.missing(outcome.head)
                if missing is not None:  # it was mended since its head was read, or lost still more
                    return outcome.head if missing else None
            if outcome.outcome is not Outcome.OK:
                _log.warning("a log cannot be mended", room=name, outcome=outcome.outcome.value)
                self._rooms.give_up(loaded)
                return None
            again += 1
            self._metrics.reappended_batches.inc()
        _log.warning("the store had lost batches: they are appended again", room=name, batches=again)
        self._mended(loaded)
        return None
