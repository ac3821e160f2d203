"""Counting what happens so often that telling the metrics library of each would be a load itself."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

from prometheus_client import Counter, Gauge, Histogram


class Tally:
    """Counts what happens thousands of times a second. What it counted is seen after `hand_over`."""

    def __init__(self, metric: Counter | Gauge) -> None:
        self._metric = metric
        self._count = 0

    def inc(self, amount: int = 1) -> None:
        """Below zero for a gauge only."""
        self._count += amount

    def hand_over(self) -> None:
        count, self._count = self._count, 0
        if count:
            self._metric.inc(count)


class BucketTally:
    """The same for a histogram, which has nothing for many values at once: its parts are told their sums."""

    def __init__(self, metric: Histogram, bounds: tuple[float, ...]) -> None:
        self._buckets: list[Any] = metric._buckets
        self._total: Any = metric._sum
        self._bounds = bounds
        self._counts = [0] * len(self._buckets)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def hand_over(self) -> None:
        for number, count in enumerate(self._counts):
            if count:
                self._buckets[number].inc(count)
                self._counts[number] = 0
        if self._sum:
            self._total.inc(self._sum)
            self._sum = 0.0
