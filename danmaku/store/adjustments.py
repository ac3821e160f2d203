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

    async def of_version(self, version: int) -> Adjustment | None:
        """None where it is not kept."""

    async def of_act(self, act: str) -> Adjustment | None:
        """What this act made; None where that is not kept."""

    async def adjust(self, adjustment: Adjustment, acts: Sequence[Act] = ()) -> bool:
        """Let it be in force, and note that and write it down, in one step.

        False where its version does not follow the one in force, or its act made another one; true where its
        act made that version.
        """
