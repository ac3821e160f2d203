"""How long rows are gathered before a request is made of them. Pure.

A request costs about what twenty of its rows do, most of it for waking those who carry it. So where many
rows come, they are gathered for longer, and requests stay few; the owner's own window is longer still.
"""

from __future__ import annotations

from typing import Final

_FEW: Final = 8  # in the shortest window: only where more come is it worth a longer one
_LONGEST: Final = 4.0  # times the shortest


class Window:
    """`s`: of the next one, in seconds; `least_s` where few rows come."""

    __slots__ = ("_least_s", "s")

    def __init__(self, least_s: float) -> None:
        self._least_s = least_s
        self.s = least_s

    def gathered(self, rows: int, seconds: float) -> None:
        """So many came in the seconds from the first of them on."""
        if self._least_s:
            pace = rows * self._least_s / max(seconds, self._least_s) / _FEW
            self.s = self._least_s * min(max(pace, 1.0), _LONGEST)
