"""What is kept about a room besides its log: title, settings, open or closed, like total, board."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from danmaku.board import Board
from danmaku.model import Act, RoomInfo


class Rooms(Protocol):
    """All methods raise StoreDown when the outcome is unknown or the store is away."""

    async def load(self, room: str) -> RoomInfo | None:
        """What is kept (`viewers` is 0), or that it is `closed_for_good`; None where it was never saved."""

    async def board(self, room: str) -> Board:
        """What was appended last with an entry of the log; empty where nothing was, or it was deleted."""

    async def create(self, process: str, lease: int, info: RoomInfo) -> bool:
        """As `save` where nothing is kept of the room; otherwise nothing changes. False as there."""

    async def save(self, process: str, lease: int, info: RoomInfo, acts: Sequence[Act] = ()) -> bool:
        """Keep title, open, settings and created_ms (not likes), and list the room in its partition.

        `acts` are written down. False when (process, lease) no longer holds the partition: then nothing was.
        """

    async def delete(self, process: str, lease: int, room: str, acts: Sequence[Act] = ()) -> bool:
        """Close it for good: it is not listed any more, its title, settings and likes are forgotten.

        Its sanctions stay, and the newest entry of its log, so that no position is used twice. Only `save`
        brings it back. `acts` are written down. False when the lease was lost: nothing was written.
        """

    async def add_likes(self, process: str, lease: int, likes: dict[str, int]) -> dict[str, int]:
        """Add to the like totals of rooms in one pipelined write; returns the new totals.

        A room whose lease was lost is left out of the answer.
        """

    async def in_partition(self, partition: int) -> list[str]:
        """The rooms that were saved and not deleted, sorted."""
