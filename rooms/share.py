"""Who should own how many partitions. Pure.

Everybody's share is the same, rounded up, and only what is above it is given back. So a partition moves
only when somebody came or went, and the shares need not be agreed on.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Final

from danmaku.subjects import PARTITIONS

_NEARLY: Final = 3 / 4  # all ask four times in that, but not at the same moments


def fair_share(processes: int) -> int:
    """How many partitions one of `processes` (at least 1) may own."""
    return -(-PARTITIONS // processes)


class Sharers:
    """How many share the partitions: those that are counted now, for `lasts_s` each time they were there.

    Whoever could not ask for nearly as long may find all others forgotten, for it was so with them. They come
    back one by one: for `lasts_s` as many are reckoned with as there were, or the first would take all.
    """

    def __init__(self, lasts_s: float) -> None:
        self._lasts_s = lasts_s
        self._before = 1
        self._asked_s: float | None = None
        self._back_s = -math.inf  # until then the others may not be back

    def reckoned(self, counted: int, now_s: float) -> int:
        if self._asked_s is not None and now_s - self._asked_s >= self._lasts_s * _NEARLY:
            self._back_s = now_s + self._lasts_s
        if now_s >= self._back_s or counted > self._before:
            self._before = counted
        self._asked_s = now_s
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
