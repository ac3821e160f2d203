"""Statistics of a busy room leave with its next batch: one message costs a viewer half of two. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from danmaku.envelope import Out, OutKind
from edge.feed import Shown
from edge.ring import Batch


class Ride:
    """Of one room. What waits here is the latest, and is shown with what comes next, at the latest with the
    next statistics."""

    __slots__ = ("_busy", "_waits")

    def __init__(self) -> None:
        self._busy = False  # whether a batch was shown since there were statistics
        self._waits: Out | None = None

    def along(self, shown: Sequence[Shown]) -> list[Shown]:
        """What is to be shown now of what the feed shows."""
        now: list[Shown] = []
        for one in shown:
            if isinstance(one, Out) and one.kind is OutKind.STATS:
                if self._busy and self._waits is None:
                    self._busy, self._waits = False, one
                    continue
                self._waits = None
            now.append(one)
            if isinstance(one, Batch):
                self._busy = True
                waits, self._waits = self._waits, None
                if waits is not None and waits.lease >= one.epoch:  # not of an owner before
                    now.append(waits)
        return now
