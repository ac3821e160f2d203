"""Settings that are adjusted for the whole service: the newest adjustments, each with all of that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from danmaku.adjustment import Adjustment
from danmaku.model import Act


class Adjustments(Protocol):
    """All methods raise StoreDown when the outcome is unknown or the store is away."""

    async def newest(self, limit: int) -> list[Adjustment]:
        """At most so many, newest first; those that are kept are the newest `KEPT`."""

    async def adjust(self, adjustment: Adjustment, acts: Sequence[Act] = ()) -> bool:
        """Let it be in force, and note that and write it down, in one step.

        False where its version does not follow the one in force; true where this very act made that version.
        """
