"""Who was appointed moderator of a room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from danmaku.model import Act, Appointed
from danmaku.store.taken import Taken


class Moderators(Protocol):
    """All methods raise StoreDown when the outcome is unknown or the store is away."""

    async def load(self, room: str) -> list[Appointed]:
        """All of the room, by uid."""

    async def appoint(
        self, process: str, lease: int, room: str, one: Appointed, acts: Sequence[Act] = ()
    ) -> bool:
        """Keep it, replacing what is kept of the same user; `acts` are written down.

        False when the lease was lost.
        """

    async def dismiss(self, process: str, lease: int, room: str, uid: str, acts: Sequence[Act] = ()) -> Taken:
        """Forget it; `acts` are written down where there was anything."""
