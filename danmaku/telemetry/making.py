"""Makes metrics under one prefix, in one registry."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from danmaku.telemetry.sharing import share_values
from danmaku.telemetry.tallies import BucketTally

SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Maker:
    def __init__(self, prefix: str, registry: CollectorRegistry) -> None:
        share_values()
        self._prefix = prefix
        self._registry = registry

    def gauge(self, name: str, text: str, of_all: Literal["livesum", "livemin"] = "livesum") -> Gauge:
        """`of_all`: what a scrape of several processes makes of their values."""
        return Gauge(f"{self._prefix}_{name}", text, registry=self._registry, multiprocess_mode=of_all)

    def counter(self, name: str, text: str, /, **labels: Iterable[str]) -> Counter:
        """Of one label all values that are named are there from the start, at zero."""
        counter = Counter(f"{self._prefix}_{name}", text, list(labels), registry=self._registry)
        for label, known in labels.items():
            for value in known:
                counter.labels(**{label: value})
        return counter

    def histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        name = f"{self._prefix}_{name}"
        return Histogram(name, text, labels, registry=self._registry, buckets=buckets)

    def bucket_tally(self, name: str, text: str, buckets: tuple[float, ...]) -> BucketTally:
        return BucketTally(self.histogram(name, text, buckets), buckets)

    def tasks(self) -> Gauge:
        return self.gauge("tasks", "Tasks of the event loop now; grows with load, and has to fall with it.")

    def loop_lag(self) -> Histogram:
        return self.histogram(
            "loop_lag_seconds", "How late the event loop runs what is due; above 0.1 it has too much to do.",
            SECONDS,
        )  # fmt: skip
