"""Who is muted or banned in a room, until when and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from danmaku.model import Act, Sanction, SanctionKind
from danmaku.store.taken import Taken

__all__ = ["Moderation", "Sanction", "SanctionKind"]


class Moderation(Protocol):
    """All methods raise StoreDown when the outcome is unknown or the store is away."""

    async def load(self, room: str, now_ms: int) -> list[Sanction]:
        """All active sanctions of the room, by kind and uid. What has run out is removed."""

    async def impose(
        self, process: str, lease: int, room: str, sanction: Sanction, acts: Sequence[Act] = ()
    ) -> bool:
        """Keep it, replacing one of the same kind and uid; `acts` are written down.

        False when the lease was lost.
        """

    async def lift(
        self,
        process: str,
        lease: int,
        room: str,
        kind: SanctionKind,
        uid: str,
        now_ms: int,
        acts: Sequence[Act] = (),
    ) -> Taken:
        """Remove it; `acts` are written down where it was in force."""
