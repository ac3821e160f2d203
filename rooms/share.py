"""Who should own how many partitions. Pure.

Everybody's share is the same, rounded up, and only what is above it is given back. So a partition moves
only when somebody came or went, and the shares need not be agreed on.
"""

from __future__ import annotations

import math
from collections.abc import Collection

from danmaku.subjects import PARTITIONS


def fair_share(processes: int) -> int:
    """How many partitions one of `processes` (at least 1) may own."""
    return -(-PARTITIONS // processes)


class Sharers:
    """How many share the partitions: those that are counted now.

    After an outage, in which all that were counted were forgotten, they come back one by one. Within
    `return_s` of its end as many are reckoned with as there were, or the first would take all.
    """

    def __init__(self, return_s: float) -> None:
        self._return_s = return_s
        self._before = 1
        self._outage_s = -math.inf

    def outage(self, now_s: float) -> None:
        """The store is away."""
        self._outage_s = now_s

    def reckoned(self, counted: int, now_s: float) -> int:
        if now_s - self._outage_s >= self._return_s:
            self._before = counted
        return max(counted, self._before)


def surplus(held: Collection[int], share: int) -> list[int]:
    """What to give back of `held`."""
    return sorted(held)[share:]


def wanted(
    held: Collection[int], taken: Collection[int], share: int, start: int, before: Collection[int] = ()
) -> list[int]:
    """What to try to take: as much as is missing to `share`, of what nobody holds.

    First what was held `before`: whoever had a room knows best what its log should hold. Processes that look
    for partitions at one time begin at different `start`s, so as not to want the same.
    """
    around = [(start + step) % PARTITIONS for step in range(PARTITIONS)]
    free = [partition for partition in around if partition not in taken and partition not in held]
    free.sort(key=lambda partition: partition not in before)
    return free[: max(0, share - len(held))]
