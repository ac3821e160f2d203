"""How long an owner waits between two flushes. Pure.

Whatever it holds, a batch is a write to the store, a message on the bus and a frame for every viewer. So
where very many rooms have something to show, each of them shows more at a time, a little later.
"""

from __future__ import annotations

from typing import Final

_LONGEST: Final = 4  # windows,
_LONGEST_S: Final = 0.2  # unless one is longer: whoever hands a room over waits for its flush


class Pace:
    """From the begin of a flush to that of the next are `window_s`; longer, but not more than four times as
    long and not above 0.2 s, where it would write more than `batches_per_s`."""

    __slots__ = ("_batches_per_s", "_longest_s", "_window_s")

    def __init__(self, window_s: float, batches_per_s: int) -> None:
        self._window_s = window_s
        self._longest_s = max(window_s, min(window_s * _LONGEST, _LONGEST_S))
        self._batches_per_s = batches_per_s

    def window_s(self, batches: int) -> float:
        """After a flush that wrote so many."""
        return min(max(self._window_s, batches / self._batches_per_s), self._longest_s)
