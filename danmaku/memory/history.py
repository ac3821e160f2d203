"""Recent items of rooms in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

from config.settings import Rooms
from danmaku.memory.audit import MemoryAudit
from danmaku.memory.held import MemoryHeld
from danmaku.memory.leases import Clock, MemoryLeases
from danmaku.memory.log import Logs, Stored
from danmaku.memory.recalls import MemoryRecalls
from danmaku.memory.rooms import MemoryRooms
from danmaku.model import START, Position
from danmaku.store.history import Append, Appended, Entry, Outcome, Slice, follows_on
from danmaku.subjects import partition_of

_TRIMMED_AT_ONCE: Final = 252  # 4, 8 … 128, as append.lua takes them


class MemoryHistory:
    def __init__(
        self,
        leases: MemoryLeases,
        rooms: MemoryRooms,
        recalls: MemoryRecalls,
        held: MemoryHeld,
        logs: Logs,
        audit: MemoryAudit,
        clock: Clock,
        limits: Rooms,
    ) -> None:
        self._leases = leases
        self._audit = audit
        self._rooms = rooms
        self._recalls = recalls
        self._held = held
        self._logs = logs
        self._clock = clock
        self._batches = limits.history_batches
        self._age_ms = limits.history_s * 1000

    async def append(self, process: str, appends: list[Append]) -> list[Appended | Exception]:
        return [self._append(process, append) for append in appends]

    async def head(self, room: str) -> Position:
        return _head(self._logs[room])

    async def heads(self, rooms: list[str]) -> list[Position]:
        return [_head(self._logs[room]) for room in rooms]

    async def latest(self, room: str, items: int, max_bytes: int, before: Position | None = None) -> Slice:
        log = self._logs[room]
        newest_first = (entry for entry, _ in reversed(log) if before is None or entry.last < before)
        entries = _within(newest_first, items, max_bytes)
        return Slice(tuple(reversed(entries)), True, _head(log), self._recalls.kept(room))

    async def after(self, room: str, since: Position, items: int, max_bytes: int) -> Slice:
        log = self._logs[room]
        entries = _within((entry for entry, _ in log if entry.last > since), items, max_bytes)
        complete = follows_on(entries, since, _head(log))
        return Slice(tuple(entries), complete, _head(log), self._recalls.kept(room))

    def _append(self, process: str, append: Append) -> Appended:
        log, entry = self._logs[append.room], append.entry
        if not self._leases.holds(process, append.lease, partition_of(append.room)):
            return Appended(Outcome.FENCED, _head(log))
        if log and (log[-1].entry.last, log[-1].entry.frame) == (entry.last, entry.frame):
            return Appended(Outcome.OK, _head(log))
        if _head(log) != append.expected:
            return Appended(Outcome.MISMATCH, _head(log))
        stored_ms = self._clock()
        looks = bool(log) and log[-1].entry.at // 1000 != entry.at // 1000  # for what is old: once a second
        log.append(Stored(entry, stored_ms))
        while len(log) > self._batches:
            log.popleft()
        now = min(entry.at, stored_ms)
        for _ in range(_TRIMMED_AT_ONCE if looks else 0):
            oldest = log[0]
            if len(log) > 1 and max(oldest.entry.at, oldest.stored_ms) < now - self._age_ms:
                log.popleft()
        self._audit.add(append.room, append.acts)
        if append.recalling is not None:
            self._recalls.keep(append.room, append.recalling)
        if append.decided is not None:
            self._held.keep(append.room, append.decided)
        if append.effect is not None:
            self._rooms.carry_out(append.effect)
        if append.board is not None:
            self._rooms.boards[append.room] = append.board
        return Appended(Outcome.OK, _head(log))


def _head(log: deque[Stored]) -> Position:
    return log[-1].entry.last if log else START


def _within(entries: Iterable[Entry], items: int, max_bytes: int) -> list[Entry]:
    """Entries until `items` or `max_bytes` is reached, at least one."""
    found: list[Entry] = []
    for entry in entries:
        max_bytes -= len(entry.frame)
        if items <= 0 or (found and max_bytes < 0):
            break
        found.append(entry)
        items -= entry.count
    return found
