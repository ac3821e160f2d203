"""Where newcomers are sent: near first, away from what is full or about to go. Pure.

Reports are two seconds old. If all who come meanwhile went to the lightest edge it would be flooded, and
the next one after it; so the order is drawn by lot: an edge with twice the room comes first twice as often.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from danmaku.envelope import EdgeReport

_UNKNOWN_CAPACITY: Final = 15_000  # of an edge of a version that does not tell


@dataclass(slots=True)
class Place:
    """An address, and what all workers behind it have. `room`: weights, each by the share that is free."""

    address: str
    region: str
    connections: int = 0
    room: float = 0.0

    @property
    def is_full(self) -> bool:
        return self.room <= 0


def steer(
    reports: Iterable[EdgeReport], here: str, region: str | None, chance: Callable[[], float]
) -> list[Place]:
    """The places to try, in order; none of an edge that is draining. `here`: of edges without an address.

    Those of `region` come first, and full ones last. `chance` draws from [0, 1).
    """
    places: dict[str, Place] = {}
    for report in reports:
        if report.draining:
            continue
        capacity = report.capacity or _UNKNOWN_CAPACITY
        free = max(capacity - report.connections, 0) / capacity
        for address in report.addresses or [here]:
            place = places.setdefault(address, Place(address, report.region))
            place.connections += report.connections
            place.room += report.weight * free
    turns = {place.address: _turn(place.room, chance()) for place in places.values()}
    return sorted(
        places.values(),
        key=lambda place: (
            place.is_full,
            region is not None and place.region != region,
            turns[place.address],
        ),
    )


def _turn(room: float, drawn: float) -> float:
    """The soonest of exponential waiting times at these rates is each with the odds of its rate."""
    return -math.log1p(-drawn) / room if room > 0 else math.inf
