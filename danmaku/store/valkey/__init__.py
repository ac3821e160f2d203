"""The store over Valkey or Redis (7 or later)."""

from __future__ import annotations

import time
from collections.abc import Callable

from config.settings import Chat, Rooms, Store
from danmaku.slow import Slow
from danmaku.store.valkey.adjustments import ValkeyAdjustments
from danmaku.store.valkey.audit import Acts, ValkeyAudit
from danmaku.store.valkey.changes import ValkeyChanges
from danmaku.store.valkey.contacts import ValkeyContacts
from danmaku.store.valkey.conversations import ValkeyConversations
from danmaku.store.valkey.held import ValkeyHeld
from danmaku.store.valkey.history import ValkeyHistory
from danmaku.store.valkey.keys import Keys
from danmaku.store.valkey.leases import ValkeyLeases
from danmaku.store.valkey.link import Link
from danmaku.store.valkey.moderation import ValkeyModeration
from danmaku.store.valkey.moderators import ValkeyModerators
from danmaku.store.valkey.polls import ValkeyPolls
from danmaku.store.valkey.recalls import ValkeyRecalls
from danmaku.store.valkey.rooms import ValkeyRooms
from danmaku.store.valkey.sessions import ValkeySessions
from danmaku.store.valkey.tokens import ValkeyTokens
from danmaku.store.valkey.words import ValkeyWords

__all__ = ["ValkeyStore"]


class ValkeyStore:
    """The nouns over a link, and one more for what is large. Made by `connect`."""

    def __init__(self, link: Link, reads: Link, keys: Keys, rooms: Rooms, chat: Chat) -> None:
        self._link = link
        self._reads = reads
        acts = Acts(keys, rooms.audit_kept, rooms.audit_s)
        self.leases = ValkeyLeases(link, keys)
        self.history = ValkeyHistory(link, reads, keys, acts, rooms.history_batches, rooms.history_s)
        self.rooms = ValkeyRooms(link, keys, acts)
        self.recalls = ValkeyRecalls(link, keys)
        self.moderation = ValkeyModeration(link, keys, acts)
        self.held = ValkeyHeld(link, keys, acts)
        self.polls = ValkeyPolls(link, keys)
        self.moderators = ValkeyModerators(link, keys, acts)
        self.tokens = ValkeyTokens(link, keys)
        self.sessions = ValkeySessions(link, keys)
        self.changes = ValkeyChanges(link, keys, acts, rooms.changes_kept, rooms.changes_s)
        self.audit = ValkeyAudit(link, reads, keys, acts)
        self.words = ValkeyWords(link, reads, keys, acts, rooms.changes_kept, rooms.changes_s)
        self.adjustments = ValkeyAdjustments(link, reads, keys, acts, rooms.changes_kept, rooms.changes_s)
        self.conversations = ValkeyConversations(link, reads, keys, chat)
        self.contacts = ValkeyContacts(link, keys)

    @classmethod
    async def connect(
        cls,
        settings: Store,
        rooms: Rooms,
        chat: Chat = Chat(),  # noqa: B008  it is frozen
        slow: Slow | None = None,
        lost: Callable[[], None] = lambda: None,
    ) -> ValkeyStore:
        """Raises StoreDown when it does not answer, LoginError, and ValueError or TypeError for a URL that
        cannot be used. lost: called when what was acknowledged last may be lost, with its primary."""
        link, reads = (Link.to(settings, slow, lost) for _ in range(2))
        store = cls(link, reads, Keys(settings.prefix), rooms, chat)
        try:
            await store.ping()
            await reads.ping()  # or its first call had a tenth of its time to find out where the servers are
        except BaseException:
            await store.close()
            raise
        return store

    async def ping(self) -> float:
        begin = time.perf_counter()
        await self._link.ping()
        return time.perf_counter() - begin

    async def close(self) -> None:
        await self._link.close()
        await self._reads.close()
