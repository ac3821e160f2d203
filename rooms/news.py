"""What is new in the changes log, and what was decided for all rooms, as a member of queue groups."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

import structlog

from config.settings import Policy
from danmaku import envelope
from danmaku.calls import budget_s
from danmaku.envelope import (
    MAX_MESSAGE_BYTES,
    ChangesReply,
    ChangesRequest,
    SanctionsReply,
    SanctionsRequest,
    SettingsReply,
    SettingsRequest,
)
from danmaku.model import RoomSettings
from danmaku.store.changes import Changes
from danmaku.store.errors import StoreDown
from danmaku.telemetry import RoomsMetrics
from rooms.everywhere import Everywhere
from rooms.following import Following
from rooms.moment import Moment
from rooms.outbox import Outbox
from rooms.rules import Rules
from rooms.tasks import Tasks

MAX_USERS: Final = 200  # in one answer: two sanctions of each, with the longest reasons, fit into a message
_ENTRIES: Final = 2000
_MAX_BYTES: Final = MAX_MESSAGE_BYTES - 64 * 1024  # the rest is for what stands around the entries
_AT_ONCE: Final = 256

R = TypeVar("R", ChangesRequest, SanctionsRequest, SettingsRequest)
Found = ChangesReply | SanctionsReply | SettingsReply

_log: Any = structlog.get_logger("rooms.news")


class News:
    """Answers with an empty reply where it cannot, so that nobody waits for their time-out."""

    def __init__(
        self,
        store: Changes,
        following: Following,
        everywhere: Everywhere,
        policy: Policy,
        outbox: Outbox,
        metrics: RoomsMetrics,
        clock: Callable[[], Moment],
    ) -> None:
        self._store = store
        self._following = following
        self._everywhere = everywhere
        self._policy = policy
        self._outbox = outbox
        self._metrics = metrics
        self._clock = clock
        self._tasks = Tasks(_AT_ONCE)

    def asked_changes(self, payload: bytes, reply: str) -> None:
        self._asked(payload, reply, envelope.decode_changes_request, self._changes)

    def asked_sanctions(self, payload: bytes, reply: str) -> None:
        self._asked(payload, reply, envelope.decode_sanctions_request, self._sanctions)

    def asked_settings(self, payload: bytes, reply: str) -> None:
        self._asked(payload, reply, envelope.decode_settings_request, self._settings)

    async def finish(self, timeout_s: float) -> None:
        """Answer what was asked, but take no longer than that."""
        await self._tasks.finish(timeout_s)

    async def close(self) -> None:
        await self._tasks.close()

    def _asked(
        self,
        payload: bytes,
        reply: str,
        decode: Callable[[bytes], R],
        find: Callable[[R], Coroutine[Any, Any, Found]],
    ) -> None:
        try:
            request = decode(payload)
        except ValueError as error:
            _log.warning("a request cannot be read", error=str(error))
            return
        if self._tasks.full:
            self._outbox.post(reply, b"")
        else:
            self._tasks.start(self._answer(find(request), request.budget_ms, reply))

    async def _answer(self, found: Coroutine[Any, Any, Found], budget_ms: int, reply: str) -> None:
        try:
            async with asyncio.timeout(budget_s(budget_ms)):
                answer = envelope.encode(await found)
        except (StoreDown, ValueError, TimeoutError) as error:  # ValueError: a place that is none
            _log.warning("changes cannot be read", error=repr(error))
            answer = b""
        self._outbox.post(reply, answer)

    async def _changes(self, request: ChangesRequest) -> ChangesReply:
        with self._metrics.store_seconds.labels("changes").time():
            news = await self._store.after(request.since, _ENTRIES, _MAX_BYTES)
        entries = [(noted.at_ms, noted.entry) for noted in news.entries]
        return ChangesReply(entries, news.last, news.complete, news.more)

    async def _sanctions(self, request: SanctionsRequest) -> SanctionsReply:
        """What was acknowledged before it was asked is in it, whoever acknowledged it."""
        await self._following.catch_up()
        users = max(1, min(request.users, MAX_USERS))
        page, after = self._everywhere.page(request.after, users, self._clock().ms)
        return SanctionsReply(page, after)

    async def _settings(self, request: SettingsRequest) -> SettingsReply:
        await self._following.catch_up()
        settings = self._everywhere.settings
        return SettingsReply(settings, Rules.of(RoomSettings(), settings, self._policy).as_settings())
