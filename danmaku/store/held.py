"""Comments that wait for a moderator, and for a while what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from danmaku.held import Held
from danmaku.model import Act


class HeldComments(Protocol):
    """All methods raise StoreDown when the outcome is unknown or the store is away.

    What an append shows of them is decided in the same step (`Append.decided`). A room that is deleted has
    none any more.
    """

    async def load(self, room: str) -> list[Held]:
        """All that is kept, in order of arrival."""

    async def change(
        self,
        process: str,
        lease: int,
        room: str,
        kept: Sequence[Held],
        gone: Sequence[str] = (),
        acts: Sequence[Act] = (),
    ) -> bool:
        """Keep these, in place of those of the same id; those with an id in `gone` go.

        `acts` are written down. False when the lease was lost.
        """
