"""How long an owner waits between two flushes. Pure.

Whatever it holds, a batch is a write to the store, a message on the bus and a frame for every viewer. So
where very many rooms have something to show, each of them shows more at a time, a little later.
"""

from __future__ import annotations

from typing import Final

from config.settings import Rooms

_LONGEST: Final = 4  # windows,
_LONGEST_S: Final = 0.2  # unless one is longer: whoever hands a room over waits for its flush


class Pace:
    """From the begin of a flush to that of the next is `window_ms`; longer, but not more than four times as
    long and not above 0.2 s, where it would write more than `batches_per_s`."""

    __slots__ = ("_limits",)

    def __init__(self, limits: Rooms) -> None:
        self._limits = limits

    def window_s(self, batches: int) -> float:
        """After a flush that wrote so many."""
        window_s = self._limits.window_ms / 1000
        longest_s = max(window_s, min(window_s * _LONGEST, _LONGEST_S))
        return min(max(window_s, batches / self._limits.batches_per_s), longest_s)
