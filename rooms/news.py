"""What is new in the changes log, and what was decided for all rooms, as a member of queue groups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from config.settings import Policy
from danmaku import envelope
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
from danmaku.telemetry import RoomsMetrics
from rooms.answering import Answering, Asked
from rooms.everywhere import Everywhere
from rooms.following import Following
from rooms.moment import Moment
from rooms.outbox import Outbox
from rooms.rules import Rules

MAX_USERS: Final = 200  # in one answer: two sanctions of each, with the longest reasons, fit into a message
_ENTRIES: Final = 2000
_MAX_BYTES: Final = MAX_MESSAGE_BYTES - 64 * 1024  # the rest is for what stands around the entries
_AT_ONCE: Final = 256


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
        self._metrics = metrics
        self._clock = clock
        self.answering: Final = Answering("changes", _AT_ONCE, outbox)
        self._asked_changes = Asked(envelope.decode_changes_request, self._changes)
        self._asked_sanctions = Asked(envelope.decode_sanctions_request, self._sanctions)
        self._asked_settings = Asked(envelope.decode_settings_request, self._settings)

    def asked_changes(self, payload: bytes, reply: str) -> None:
        self.answering.begin(self._asked_changes, payload, reply)

    def asked_sanctions(self, payload: bytes, reply: str) -> None:
        self.answering.begin(self._asked_sanctions, payload, reply)

    def asked_settings(self, payload: bytes, reply: str) -> None:
        self.answering.begin(self._asked_settings, payload, reply)

    async def _changes(self, request: ChangesRequest) -> bytes:
        with self._metrics.store_seconds.labels("changes").time():
            news = await self._store.after(request.since, _ENTRIES, _MAX_BYTES)
        entries = [(noted.at_ms, noted.entry) for noted in news.entries]
        return envelope.encode(ChangesReply(entries, news.last, news.complete, news.more))

    async def _sanctions(self, request: SanctionsRequest) -> bytes:
        """What was acknowledged before it was asked is in it, whoever acknowledged it."""
        await self._following.catch_up()
        users = max(1, min(request.users, MAX_USERS))
        page, after = self._everywhere.page(request.after, users, self._clock().ms)
        return envelope.encode(SanctionsReply(page, after))

    async def _settings(self, request: SettingsRequest) -> bytes:
        await self._following.catch_up()
        settings = self._everywhere.settings
        rules = Rules.of(RoomSettings(), settings, self._policy)
        return envelope.encode(SettingsReply(settings, rules.as_settings()))
