"""Recent history from any rooms process, as a member of a queue group."""

from __future__ import annotations

from typing import Final

from danmaku import envelope
from danmaku.envelope import MAX_MESSAGE_BYTES, HistoryReply, HistoryRequest
from danmaku.model import check_id
from danmaku.store.history import HistoryLog, Slice
from danmaku.telemetry import RoomsMetrics
from rooms.answering import Answering, Asked
from rooms.outbox import Outbox

MAX_ITEMS: Final = 2000
_MAX_BYTES: Final = MAX_MESSAGE_BYTES - 16 * 1024  # the rest is for what stands around the frames
_AT_ONCE: Final = 256


class History:
    """Answers HistoryRequest; with an empty reply where it cannot, so that nobody waits for his time-out."""

    def __init__(self, store: HistoryLog, outbox: Outbox, metrics: RoomsMetrics) -> None:
        self._store = store
        self._metrics = metrics
        self.answering: Final = Answering("history", _AT_ONCE, outbox)
        self._asked = Asked(_request, self._answer)

    def receive(self, payload: bytes, reply: str) -> None:
        self.answering.begin(self._asked, payload, reply)

    async def _answer(self, request: HistoryRequest) -> bytes:
        with self._metrics.store_seconds.labels("history").time():
            found = await self._read(request)
        return envelope.encode(HistoryReply(found.frames(), found.complete, *found.head))

    async def _read(self, request: HistoryRequest) -> Slice:
        items = max(0, min(request.limit, MAX_ITEMS))
        max_bytes = max(0, min(request.max_bytes, _MAX_BYTES))
        if request.since is None:
            return await self._store.latest(request.room, items, max_bytes)
        return await self._store.after(request.room, request.since, items, max_bytes)


def _request(payload: bytes) -> HistoryRequest:
    """Raises ValueError and Refusal."""
    request = envelope.decode_history_request(payload)
    check_id(request.room, "room")
    return request
