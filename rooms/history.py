"""Recent history from any rooms process, as a member of a queue group."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import structlog

from danmaku import envelope
from danmaku.calls import budget_s
from danmaku.envelope import MAX_MESSAGE_BYTES, HistoryReply, HistoryRequest
from danmaku.errors import Refusal
from danmaku.model import check_id
from danmaku.store.errors import StoreDown
from danmaku.store.history import HistoryLog, Slice
from danmaku.telemetry import RoomsMetrics
from rooms.outbox import Outbox
from rooms.tasks import Tasks

MAX_ITEMS: Final = 2000
_MAX_BYTES: Final = MAX_MESSAGE_BYTES - 16 * 1024  # the rest is for what stands around the frames
_AT_ONCE: Final = 256

_log: Any = structlog.get_logger("rooms.history")


class History:
    """Answers HistoryRequest; with an empty reply where it cannot, so that nobody waits for his time-out."""

    def __init__(self, store: HistoryLog, outbox: Outbox, metrics: RoomsMetrics) -> None:
        self._store = store
        self._outbox = outbox
        self._metrics = metrics
        self._tasks = Tasks(_AT_ONCE)

    def receive(self, payload: bytes, reply: str) -> None:
        try:
            request = envelope.decode_history_request(payload)
            check_id(request.room, "room")
        except (ValueError, Refusal) as error:
            _log.warning("a request cannot be read", error=str(error))
            return
        if self._tasks.full:
            self._outbox.post(reply, b"")
        else:
            self._tasks.start(self._answer(request, reply))

    async def finish(self, timeout_s: float) -> None:
        """Answer what was asked, but take no longer than that."""
        await self._tasks.finish(timeout_s)

    async def close(self) -> None:
        await self._tasks.close()

    async def _answer(self, request: HistoryRequest, reply: str) -> None:
        try:
            async with asyncio.timeout(budget_s(request.budget_ms)):
                with self._metrics.store_seconds.labels("history").time():
                    found = await self._read(request)
        except (StoreDown, TimeoutError) as error:
            _log.warning("history cannot be read", room=request.room, error=repr(error))
            self._outbox.post(reply, b"")
        else:
            answer = HistoryReply(found.frames(), found.complete, *found.head)
            self._outbox.post(reply, envelope.encode(answer))

    async def _read(self, request: HistoryRequest) -> Slice:
        items = max(0, min(request.limit, MAX_ITEMS))
        max_bytes = max(0, min(request.max_bytes, _MAX_BYTES))
        if request.since is None:
            return await self._store.latest(request.room, items, max_bytes)
        return await self._store.after(request.room, request.since, items, max_bytes)
