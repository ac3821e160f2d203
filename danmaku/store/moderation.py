"""Who is muted or banned in a room, until when and why."""

from __future__ import annotations

from typing import Protocol

from danmaku.model import Sanction, SanctionKind

__all__ = ["Moderation", "Sanction", "SanctionKind"]


class Moderation(Protocol):
    """All methods raise StoreDown when the outcome is unknown or the store is away."""

    async def load(self, room: str, now_ms: int) -> list[Sanction]:
        """All active sanctions of the room, by kind and uid. What has run out is removed."""

    async def impose(self, process: str, lease: int, room: str, sanction: Sanction) -> bool:
        """Keep it, replacing one of the same kind and uid. False when the lease was lost."""

    async def lift(self, process: str, lease: int, room: str, kind: SanctionKind, uid: str) -> bool:
        """Remove it, if there is one. False when the lease was lost."""
