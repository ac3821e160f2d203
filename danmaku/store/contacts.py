"""What is kept of a user: his conversations, and whom he blocks."""

from __future__ import annotations

from typing import Protocol


class Contacts(Protocol):
    """All methods raise StoreDown when the outcome is unknown or the store is away. All may be done twice."""

    async def add(self, entries: list[tuple[str, str]]) -> None:
        """(uid, conv): a conversation is among a user's own before anything is said in it. One round trip."""

    async def remove(self, entries: list[tuple[str, str]]) -> None:
        """(uid, conv) that are no longer."""

    async def conversations(self, uid: str, after: str, limit: int) -> list[str]:
        """In order of their ids, those behind `after`. Some may be empty, or left already."""

    async def groups(self, uid: str) -> list[str]:
        """Those of the conversations that are groups."""

    async def count_groups(self, uids: list[str]) -> list[int]:
        """How many of each user's conversations are groups. One round trip."""

    async def block(self, uid: str, other: str, most: int) -> bool:
        """False where `uid` blocks so many already."""

    async def unblock(self, uid: str, other: str) -> None: ...

    async def blocked(self, uid: str) -> list[str]:
        """In order."""

    async def blocks(self, pairs: list[tuple[str, str]]) -> list[bool]:
        """Of each (uid, other), whether `uid` blocks the other. One round trip."""
