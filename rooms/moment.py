"""When something happens, as decisions want to know it."""

from __future__ import annotations

from typing import NamedTuple


class Moment(NamedTuple):
    """s: monotonic seconds, for what passes. ms: wall clock in milliseconds, for what is told and kept."""

    s: float
    ms: int
