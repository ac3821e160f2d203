"""The store in memory."""

from __future__ import annotations

import time
from collections import defaultdict, deque

from config.settings import Chat, Rooms
from danmaku.memory.adjustments import MemoryAdjustments
from danmaku.memory.audit import MemoryAudit
from danmaku.memory.changes import MemoryChanges
from danmaku.memory.contacts import MemoryContacts
from danmaku.memory.conversations import MemoryConversations
from danmaku.memory.held import MemoryHeld
from danmaku.memory.history import MemoryHistory
from danmaku.memory.leases import Clock, MemoryLeases
from danmaku.memory.log import Logs
from danmaku.memory.moderation import MemoryModeration
from danmaku.memory.moderators import MemoryModerators
from danmaku.memory.polls import MemoryPolls
from danmaku.memory.recalls import MemoryRecalls
from danmaku.memory.rooms import MemoryRooms
from danmaku.memory.sessions import MemorySessions
from danmaku.memory.tokens import MemoryTokens
from danmaku.memory.words import MemoryWords


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


class MemoryStore:
    """The nouns in dictionaries. `clock` is the store's time in milliseconds."""

    def __init__(
        self,
        clock: Clock = _wall_ms,
        rooms: Rooms = Rooms(),  # noqa: B008  it is frozen
        chat: Chat = Chat(),  # noqa: B008  it is frozen
    ) -> None:
        self.leases = MemoryLeases(clock)
        self.logs: Logs = defaultdict(deque)
        self.audit = MemoryAudit(self.leases, clock, rooms)
        self.recalls = MemoryRecalls(self.logs)
        self.held = MemoryHeld(self.leases, self.audit)
        self.rooms = MemoryRooms(self.leases, self.logs, self.recalls, self.held, self.audit)
        self.history = MemoryHistory(
            self.leases, self.rooms, self.recalls, self.held, self.logs, self.audit, clock, rooms
        )
        self.moderation = MemoryModeration(self.leases, self.audit)
        self.polls = MemoryPolls(self.leases.holds)
        self.moderators = MemoryModerators(self.leases, self.audit)
        self.tokens = MemoryTokens(clock)
        self.sessions = MemorySessions(self.tokens, clock)
        self.changes = MemoryChanges(clock, rooms, self.audit)
        self.words = MemoryWords(self.leases, clock, self.audit, self.changes.note)
        self.adjustments = MemoryAdjustments(self.audit, self.changes.note)
        self.conversations = MemoryConversations(clock, chat)
        self.contacts = MemoryContacts()

    async def ping(self) -> float:
        return 0.0

    async def close(self) -> None:
        pass
