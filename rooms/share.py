"""Who should own how many partitions. Pure.

Everybody's share is the same, rounded up, and only what is above it is given back. So a partition moves
only when somebody came or went, and the shares need not be agreed on.
"""

from __future__ import annotations

from collections.abc import Collection

from danmaku.subjects import PARTITIONS


def fair_share(processes: int) -> int:
    """How many partitions one of `processes` (at least 1) may own."""
    return -(-PARTITIONS // processes)


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
