"""What the store has of a room: brought back where the store lost it, read where the room is loaded."""

from __future__ import annotations

from typing import Any, Final

import structlog

from danmaku.rows import Shown
from danmaku.store import Store
from danmaku.store.errors import StoreDown
from danmaku.store.history import Appended, Outcome, Slice
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

    async def tail(self, room: str, oldest_ms: int) -> tuple[Slice, list[tuple[Key, Shown]]]:
        """The end of the log, and every comment in it that was shown no longer ago than `oldest_ms`."""
        history = self._store.history
        tail = page = await history.latest(room, _PAGE_ITEMS, _PAGE_BYTES)
        shown = _shown(page, oldest_ms)
        while page.entries and page.entries[0].at >= oldest_ms:
            page = await history.latest(room, _PAGE_ITEMS, _PAGE_BYTES, page.entries[0].last)
            shown += _shown(page, oldest_ms)
        return tail, shown


def _shown(page: Slice, oldest_ms: int) -> list[tuple[Key, Shown]]:
    recent = [entry for entry in page.entries if entry.at >= oldest_ms]
    return [
        ((uid, cid), Shown(entry.last.epoch, seq, entry.at))
        for entry in recent
        for uid, cid, seq in entry.pairs
    ]
