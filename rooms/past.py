"""What the store has of a room: brought back where the store lost it, read where the room is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import structlog

from danmaku.rows import Shown
from danmaku.store import Store
from danmaku.store.errors import StoreDown
from danmaku.store.history import Appended, Entry, Outcome, Slice
from danmaku.telemetry import RoomsMetrics
from rooms.dedupe import Key
from rooms.left import Memory

_PAGE_ITEMS: Final = 1000
_PAGE_BYTES: Final = 256 * 1024

_log: Any = structlog.get_logger("rooms.past")


class Past:
    """All methods raise StoreDown: to be tried again."""

    def __init__(self, store: Store, process: str, metrics: RoomsMetrics) -> None:
        self._store = store
        self._process = process
        self._metrics = metrics

    async def bring_back(self, lease: int, memory: Memory) -> bool:
        """Append again what the store lost while nobody owned the room, and let it have the state.

        Nothing happens where the log is as it was left, or somebody else has written to it since. False when
        the lease is no longer held.
        """
        room = memory.info.room
        lost = memory.recent.missing(await self._store.history.head(room))
        if not lost:
            return True
        outcomes = await self._store.history.append(self._process, [batch.append(lease) for batch in lost])
        for outcome in outcomes:
            if not isinstance(outcome, Appended):
                raise outcome
            if outcome.outcome is Outcome.FENCED:
                return False
            if outcome.outcome is Outcome.MISMATCH:
                raise StoreDown("the log lost still more while it was brought back")
        self._metrics.reappended_batches.inc(len(lost))
        _log.warning("the store had lost batches: they are brought back", room=room, batches=len(lost))
        if memory.info.created_ms:
            return await self._store.rooms.save(self._process, lease, memory.info)
        return await self._store.rooms.delete(self._process, lease, room)

    async def tail(self, room: str, now_ms: int, memory_ms: int) -> tuple[Slice, list[tuple[Key, Shown]]]:
        """The end of the log, and every comment in it that was shown no longer ago than `memory_ms`.

        Some more where clocks do not agree: the log's own end counts where `now_ms` is past it.
        """
        history = self._store.history
        tail = page = await history.latest(room, _PAGE_ITEMS, _PAGE_BYTES)
        newest_ms = page.entries[-1].at if page.entries else now_ms
        oldest_ms = min(now_ms, newest_ms) - memory_ms
        shown: list[tuple[Key, Shown]] = []
        while recent := _since(page, oldest_ms):
            shown += _shown(recent)
            page = await history.latest(room, _PAGE_ITEMS, _PAGE_BYTES, page.entries[0].last)
        return tail, shown


def _since(page: Slice, oldest_ms: int) -> Sequence[Entry]:
    """From the first that is recent on, also what an owner wrote later whose clock was behind."""
    first = next((place for place, entry in enumerate(page.entries) if entry.at >= oldest_ms), None)
    return () if first is None else page.entries[first:]


def _shown(entries: Sequence[Entry]) -> list[tuple[Key, Shown]]:
    return [
        ((uid, cid), Shown(entry.last.epoch, seq, entry.at))
        for entry in entries
        for uid, cid, seq in entry.pairs
    ]
