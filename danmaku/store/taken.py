"""What became of taking something out of the store."""

from __future__ import annotations

from enum import IntEnum


class Taken(IntEnum):
    LOST = 0  # the lease was: nothing was written
    TAKEN = 1  # it was there, and in force
    NOTHING = 2  # it was not: no act is written down
