"""Lists of words: one of each room, and the one for all rooms, packed (danmaku.wordlist)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from danmaku.change import Reworded
from danmaku.model import Act

STAGED_MS: Final = 60_000
"""So long a list is kept that is on its way."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One of the `pieces` of a list in its `version`; the version is empty where there never was one."""

    version: str
    pieces: int
    piece: bytes


class Words(Protocol):
    """All methods raise StoreDown when the outcome is unknown or the store is away."""

    async def load(self, room: str) -> bytes:
        """The room's own list."""

    async def save(self, process: str, lease: int, room: str, words: bytes, acts: Sequence[Act] = ()) -> bool:
        """Replace the room's own list. False when the lease was lost."""

    async def stage(self, version: str, number: int, piece: bytes) -> None:
        """Keep a piece of what is to be the list for all rooms, for a while."""

    async def staged(self, version: str, pieces: int) -> bytes | None:
        """The whole list that was staged; None where some of it is not there (any more)."""

    async def replace(
        self, change: Reworded, pieces: int, acts: Sequence[Act] = (), over: str | None = None
    ) -> bool:
        """Let what was staged be the list for all rooms, and note that, in one step.

        False where it is not there (any more), or with `over`, where the list is not of that version; true
        where it is the list already.
        """

    async def piece(self, number: int) -> Piece:
        """Of the list for all rooms; empty where there is no such piece."""
