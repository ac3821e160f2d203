"""What is kept about a room besides its log: title, settings, open or closed, like total."""

from __future__ import annotations

from typing import Protocol

from danmaku.model import RoomInfo


class Rooms(Protocol):
    """All methods raise StoreDown when the outcome is unknown or the store is away."""

    async def load(self, room: str) -> RoomInfo | None:
        """What is kept (`viewers` is 0), or None for a room that was never saved."""

    async def save(self, process: str, lease: int, info: RoomInfo) -> bool:
        """Keep title, open, settings and created_ms (not likes), and list the room in its partition.

        False when (process, lease) no longer holds the partition: nothing was written.
        """

    async def delete(self, process: str, lease: int, room: str) -> bool:
        """Forget state and listing, for a room closed for good. The log stays until it is trimmed by age."""

    async def add_likes(self, process: str, lease: int, likes: dict[str, int]) -> dict[str, int]:
        """Add to the like totals of rooms in one pipelined write; returns the new totals.

        A room whose lease was lost is left out of the answer.
        """

    async def in_partition(self, partition: int) -> list[str]:
        """The rooms that were saved and not deleted, sorted."""
