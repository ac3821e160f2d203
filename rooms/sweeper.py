"""Tells edges where conversations end that were spoken in lately: so a lost last message is noticed."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import Any, Final

import structlog

from danmaku import chat
from danmaku.chat import ChatHeads
from danmaku.store.conversations import Conversations
from danmaku.store.errors import StoreDown
from danmaku.subjects import Subjects
from danmaku.telemetry import RoomsMetrics
from rooms.outbox import Outbox

_EVERY_S: Final = 3.0
_LEASE_MS: Final = 4500  # of a bucket: longer than a round takes, and together with it less than ten seconds
_WITHIN_MS: Final = 30_000
_HEADS: Final = 2000  # in one message, so that it stays below 512 kB

_log: Any = structlog.get_logger("rooms.sweeper")


class Sweeper:
    """Each bucket is swept by one process at a time, while that one goes on doing it."""

    def __init__(
        self,
        name: str,
        conversations: Conversations,
        outbox: Outbox,
        subjects: Subjects,
        metrics: RoomsMetrics,
        every_s: float = _EVERY_S,
    ) -> None:
        self._name = name
        self._conversations = conversations
        self._outbox = outbox
        self._subjects = subjects
        self._metrics = metrics
        self._every_s = every_s

    async def run(self) -> None:
        """Until cancelled. Each round ends within the store's time-out."""
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self.sweep()
            except StoreDown as error:
                _log.debug("conversations cannot be swept", error=str(error))

    async def sweep(self) -> None:
        """Once. Raises StoreDown."""
        with self._metrics.store_seconds.labels("chat_sweep").time():
            swept = await self._conversations.sweep(self._name, _LEASE_MS, _WITHIN_MS)
        heads = iter(swept.items())
        while some := dict(islice(heads, _HEADS)):
            self._outbox.post(self._subjects.chat_heads, chat.encode(ChatHeads(some)))
