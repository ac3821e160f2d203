"""Recalls of rooms in memory, kept with the batches that tell of them."""

from __future__ import annotations

from collections import defaultdict

from danmaku.memory.log import Logs
from danmaku.model import Position
from danmaku.recalls import Recalled
from danmaku.store.recalls import Recalling
from danmaku.wire import Recall


class MemoryRecalls:
    def __init__(self, logs: Logs) -> None:
        self._logs = logs
        self._recalls: dict[str, dict[Position, Recall]] = defaultdict(dict)

    async def load(self, room: str) -> list[Recalled]:
        self.forget(room)
        return list(self.kept(room))

    def kept(self, room: str) -> tuple[Recalled, ...]:
        return tuple(sorted(Recalled(at, recall) for at, recall in self._recalls[room].items()))

    def keep(self, room: str, recalling: Recalling) -> None:
        """Whoever holds the lease; the caller asked for it."""
        for position in recalling.instead_of:
            self._recalls[room].pop(position, None)
        at, recall = recalling.recalled
        self._recalls[room][at] = recall

    def forget(self, room: str) -> None:
        """What is older than all that the log holds."""
        log, kept = self._logs[room], self._recalls[room]
        self._recalls[room] = {at: recall for at, recall in kept.items() if log and at >= log[0].entry.first}
