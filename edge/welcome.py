"""How fast TCP connections are taken in. Pure.

Who storms a room says hello, and who floods does not: he comes, takes an upgrade, and goes. So the door stays
wide open while those who come become viewers, and closes to a gap while most of them come for nothing.
"""

from __future__ import annotations

from typing import Final

from config.settings import Edge

_HALVED_S: Final = 2.0  # in which what was seen counts half as much
_STEP_S: Final = 0.1  # within which it counts the same
_TRUSTED: Final = 200  # who came for nothing, and tell nothing yet
_PER_VIEWER: Final = 3  # and so many more for each who became a viewer: pages are left, nets break


class Welcome:
    """`accepts_per_s` on average, while nobody floods; 0: no limit at all. Times are monotonic seconds."""

    def __init__(self, limits: Edge) -> None:
        self._limits = limits
        self._since_s = 0.0
        self._viewers = 0.0
        self._wasted = 0.0

    def became_viewer(self, now: float) -> None:
        self._fade(now)
        self._viewers += 1

    def came_for_nothing(self, now: float) -> None:
        """It went before it became a viewer, or was refused what it asked for."""
        self._fade(now)
        self._wasted += 1

    def each_s(self, now: float) -> float:
        """What lies between two of them on average."""
        most_per_s = self._limits.accepts_per_s
        if not most_per_s:
            return 0.0
        self._fade(now)
        excess = self._wasted / (_PER_VIEWER * self._viewers + _TRUSTED)
        return max(1.0, excess) / most_per_s

    def _fade(self, now: float) -> None:
        if now - self._since_s >= _STEP_S:
            factor = 0.5 ** ((now - self._since_s) / _HALVED_S)
            self._viewers *= factor
            self._wasted *= factor
            self._since_s = now
