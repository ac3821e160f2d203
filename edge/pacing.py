"""How often an edge may hand out what came, so that its loop has time for everything else. Pure.

Handing out costs about the same per viewer, be it one batch or ten that leave together. So an edge that
cannot follow waits a little longer between two turns: what comes meanwhile is joined, and latency grows
instead of a backlog. Only bytes can be too many even so. Of what had to wait, a turn shows so many of a room,
the newest; what is older is left out.

Who comes in has to be let in by the same loop, and makes each turn longer. While very many come at one time,
turns leave them more of it: those who are there see the same, joined into fewer messages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from config.settings import Edge

_LONGEST_S: Final = 1.0  # from the end of a turn: one that took very long may be a machine that stood still
_STORM_PER_S: Final = 1000  # so many newcomers are a storm,
_STORM: Final = 0.15  # in which turns may take so much of their share,
_LONGEST_STORM_S: Final = 0.25  # but no longer than that, from the end of one: others wait for what is said


class Pacing:
    """Turns may take `fanout_share` of the time, and show `fanout_bytes` of a room where they had to wait."""

    def __init__(self, limits: Edge) -> None:
        self._limits = limits
        self._due = 0.0
        self._newcomers = 0  # since a turn ended
        self._ended = 0.0

    @property
    def due(self) -> float:
        """When the next turn may begin."""
        return self._due

    def late(self, arrived: Sequence[float], sizes: Sequence[int]) -> int:
        """How many of these, from the first on, are left out of the turn that is due now.

        When they arrived, and their bytes; in order. None where the first did not have to wait, and never
        the last.
        """
        if arrived[0] >= self._due:
            return 0
        left, count = self._limits.fanout_bytes - sizes[-1], 1
        while count < len(sizes) and (left := left - sizes[-count - 1]) >= 0:
            count += 1
        return len(sizes) - count

    def came(self) -> None:
        """Somebody came into a room."""
        self._newcomers += 1

    def took(self, begin: float, end: float) -> None:
        """A turn is over."""
        seconds = max(end - begin, 0.0)
        storms = self._newcomers > _STORM_PER_S * (end - self._ended)
        share, longest_s = self._limits.fanout_share, _LONGEST_S
        if storms:
            share, longest_s = share * _STORM, _LONGEST_STORM_S
        self._due = max(self._due, begin + min(seconds / share, seconds + longest_s))
        self._newcomers, self._ended = 0, end
