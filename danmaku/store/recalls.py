"""What is recalled of a room's log. A recall is kept in one step with the batch that tells of it."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from danmaku.model import Position
from danmaku.recalls import Recalled


class Recalling(NamedTuple):
    """A recall to keep from now on. `instead_of`: positions of those that need not be kept besides it."""

    recalled: Recalled
    instead_of: tuple[Position, ...] = ()


class Recalls(Protocol):
    """Raises StoreDown when the store is away."""

    async def load(self, room: str) -> list[Recalled]:
        """All that are kept, in order. What is older than all that the log holds is removed."""
