"""How often an edge may hand out what came, so that its loop has time for everything else. Pure.

Handing out costs about the same per viewer, be it one batch or ten that leave together. So an edge that
cannot follow waits a little longer between two turns: what comes meanwhile is joined, and latency grows
instead of a backlog. Only where turns by themselves take too long, for it is bytes that cost then, what has
waited longest is left out, just so much that the next turn fits again.
"""

from __future__ import annotations

from typing import Final

_RELAX: Final = 1.1  # how much longer things may have waited after each turn that fitted
_LEAST: Final = 1 / 20  # of `most_s`: what has not waited longer than that is shown, whatever it costs


class Pacing:
    """Turns may take `share` of the time; where that is not enough, what waited for `most_s` is left out."""

    def __init__(self, share: float, most_s: float) -> None:
        self._share = share
        self._most_s = most_s
        self._patience_s = most_s
        self._overran = False
        self._due = 0.0

    @property
    def due(self) -> float:
        """When the next turn may begin."""
        return self._due

    def is_late(self, arrived: float, now: float) -> bool:
        """Whether what came at `arrived` is left out of a turn that begins at `now`."""
        return self._patience_s < self._most_s and now - arrived > self._patience_s

    def took(self, begin: float, end: float) -> None:
        """A turn is over. One alone that took too long may be a machine that stood still."""
        seconds = max(end - begin, 0.0)
        fits_s = self._share * self._most_s
        overran, self._overran = self._overran, seconds > fits_s
        if not self._overran:
            self._patience_s = min(self._most_s, self._patience_s * _RELAX)
        elif overran:
            self._patience_s = max(self._most_s * _LEAST, self._patience_s * fits_s / seconds)
        self._due = begin + min(seconds / self._share, seconds + self._most_s)
