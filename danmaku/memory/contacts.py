"""What is kept of a user, in memory: his conversations, and whom he blocks."""

from __future__ import annotations

from collections import defaultdict

from danmaku.conversation import gid_of


class MemoryContacts:
    def __init__(self) -> None:
        self._conversations: dict[str, set[str]] = defaultdict(set)
        self._blocked: dict[str, set[str]] = defaultdict(set)

    async def add(self, entries: list[tuple[str, str]]) -> None:
        for uid, conv in entries:
            self._conversations[uid].add(conv)

    async def remove(self, entries: list[tuple[str, str]]) -> None:
        for uid, conv in entries:
            self._conversations[uid].discard(conv)

    async def conversations(self, uid: str, after: str, limit: int) -> list[str]:
        return sorted(conv for conv in self._conversations[uid] if conv > after)[:limit]

    async def groups(self, uid: str) -> list[str]:
        return sorted(conv for conv in self._conversations[uid] if gid_of(conv) is not None)

    async def count_groups(self, uids: list[str]) -> list[int]:
        return [len(await self.groups(uid)) for uid in uids]

    async def block(self, uid: str, other: str, most: int) -> bool:
        blocked = self._blocked[uid]
        if other not in blocked and len(blocked) >= most:
            return False
        blocked.add(other)
        return True

    async def unblock(self, uid: str, other: str) -> None:
        self._blocked[uid].discard(other)

    async def blocked(self, uid: str) -> list[str]:
        return sorted(self._blocked[uid])

    async def blocks(self, pairs: list[tuple[str, str]]) -> list[bool]:
        return [other in self._blocked[uid] for uid, other in pairs]
