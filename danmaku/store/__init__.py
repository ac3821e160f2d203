"""The store: ports by noun, and Valkey/Redis behind them. Only rooms processes open it."""

from __future__ import annotations

from typing import Protocol

from danmaku.store.adjustments import Adjustments
from danmaku.store.audit import Audit
from danmaku.store.changes import Changes
from danmaku.store.contacts import Contacts
from danmaku.store.conversations import Conversations
from danmaku.store.held import HeldComments
from danmaku.store.history import HistoryLog
from danmaku.store.leases import Leases
from danmaku.store.moderation import Moderation
from danmaku.store.moderators import Moderators
from danmaku.store.polls import Polls
from danmaku.store.recalls import Recalls
from danmaku.store.rooms import Rooms
from danmaku.store.sessions import Sessions
from danmaku.store.tokens import Tokens
from danmaku.store.words import Words


class Store(Protocol):
    """Everything that is kept. Twins: danmaku.store.valkey.ValkeyStore and danmaku.memory.MemoryStore."""

    @property
    def leases(self) -> Leases: ...
    @property
    def history(self) -> HistoryLog: ...
    @property
    def rooms(self) -> Rooms: ...
    @property
    def recalls(self) -> Recalls: ...
    @property
    def moderation(self) -> Moderation: ...
    @property
    def held(self) -> HeldComments: ...
    @property
    def polls(self) -> Polls: ...
    @property
    def moderators(self) -> Moderators: ...
    @property
    def tokens(self) -> Tokens: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def changes(self) -> Changes: ...
    @property
    def audit(self) -> Audit: ...
    @property
    def words(self) -> Words: ...
    @property
    def adjustments(self) -> Adjustments: ...
    @property
    def conversations(self) -> Conversations: ...
    @property
    def contacts(self) -> Contacts: ...

    async def ping(self) -> float:
        """Round trip in seconds. Raises StoreDown."""

    async def close(self) -> None: ...
