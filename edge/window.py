"""How long rows are gathered before a request is made of them. Pure.

A request costs about what twenty of its rows do, most of it for waking those who carry it. So where many
rows come, they are gathered for longer, and requests stay few; the owner's own window is longer still.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

_FEW: Final = 8  # in the shortest window: only where more come is it worth a longer one
_LONGEST: Final = 4.0  # times the shortest


class Window:
    """`least_s` where few rows come; never shorter than `spare_s`, which is asked each time."""

    __slots__ = ("_came", "_due", "_first", "_least_s", "_rows", "_s", "_spare_s")

    def __init__(self, least_s: float, spare_s: Callable[[], float] | None = None) -> None:
        self._least_s = least_s
        self._spare_s = spare_s
        self._s = least_s
        self._rows = 0
        self._first = self._due = 0.0
        self._came = -math.inf

    @property
    def s(self) -> float:
        """How long one is now, in seconds."""
        return self._s if self._spare_s is None else max(self._s, self._spare_s())

    def due(self, now: float) -> float:
        """When the row that came now is to be asked about, with those before it. One that is likely to be
        alone, for the one before it is longer ago than a window lasts, does not wait."""
        if not self._rows:
            window_s = self.s
            is_lone = now - self._came >= window_s
            self._first, self._due = now, now if is_lone else now + window_s
        self._rows += 1
        self._came = now
        return self._due

    def ended(self, now: float) -> None:
        """What was gathered is asked about."""
        if self._least_s and self._rows:
            pace = self._rows * self._least_s / max(now - self._first, self._least_s) / _FEW
            self._s = self._least_s * min(max(pace, 1.0), _LONGEST)
        self._rows = 0
