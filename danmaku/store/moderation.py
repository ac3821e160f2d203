"""Who is muted or banned in a room, until when and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

SanctionKind = Literal["mute", "ban"]


@dataclass(frozen=True, slots=True)
class Sanction:
    """`until_ms` None means until lifted. Times are the owner's wall clock."""

    kind: SanctionKind
    uid: str
    by: str
    since_ms: int
    until_ms: int | None = None
    reason: str = ""

    def active(self, now_ms: int) -> bool:
        return self.until_ms is None or now_ms < self.until_ms


class Moderation(Protocol):
    """All methods raise StoreDown when the outcome is unknown or the store is away."""

    async def load(self, room: str, now_ms: int) -> list[Sanction]:
        """All active sanctions of the room, by kind and uid. What has run out is removed."""

    async def impose(self, process: str, lease: int, room: str, sanction: Sanction) -> bool:
        """Keep it, replacing one of the same kind and uid. False when the lease was lost."""

    async def lift(self, process: str, lease: int, room: str, kind: SanctionKind, uid: str) -> bool:
        """Remove it, if there is one. False when the lease was lost."""
