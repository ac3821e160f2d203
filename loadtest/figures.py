"""Sums, medians and percentiles: how windows become figures under stable keys."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

from hdrh.histogram import HdrHistogram

Result = dict[str, Any]

# Every scenario has these; what it does not measure is None.
STABLE: Final = (
    "expected", "delivered", "lost", "duplicates", "out_of_order", "deliveries_per_s", "frames_per_s",
    "items_per_frame", "latency_ms", "connect_per_s", "cpu_s", "cpu_us_per_delivery", "cpu_us_per_frame",
    "rss_bytes_per_viewer",
)  # fmt: skip
COUNTED: Final = (
    "offered", "shown", "shed", "expected", "delivered", "lost", "skipped", "recovered", "duplicates",
    "out_of_order", "misdirected", "closed", "frames",
)  # fmt: skip
MEASURED: Final = (
    "frame_bytes", "items_per_frame", "deliveries_per_s", "frames_per_s", "cpu_us_per_frame",
    "cpu_us_per_delivery", "deliveries_per_cpu_s", "client_cpu_s", "floor_cpu_us_per_frame", "ratio_to_floor",
    "floor_deliveries_per_cpu_s",
)  # fmt: skip
_BY_NAME: Final = "refused", "closed_with"
_POINTS: Final = ("p50", 50), ("p90", 90), ("p99", 99), ("p999", 99.9), ("max", 100)
_LONGEST_US: Final = 60_000_000


def new_histogram() -> HdrHistogram:
    """Of microseconds, up to a minute, to three digits."""
    return HdrHistogram(1, _LONGEST_US, 3)


def histogram(encoded: Iterable[bytes]) -> HdrHistogram:
    """All of them in one."""
    latency = new_histogram()
    for one in encoded:
        latency.decode_and_add(one)
    return latency


def percentiles(latency: HdrHistogram) -> dict[str, float]:
    """Milliseconds, of a histogram of microseconds."""
    return {name: latency.get_value_at_percentile(point) / 1000 for name, point in _POINTS}


def median_points(parts: Sequence[dict[str, float]]) -> dict[str, float]:
    """The median of each name."""
    return {name: statistics.median(part.get(name, 0.0) for part in parts) for name in parts[0]}


def total(parts: Iterable[Result], names: Iterable[str]) -> dict[str, int]:
    """What is counted, added up."""
    kept = list(parts)
    return {name: sum(part[name] for part in kept) for name in names}


def tallied(parts: Iterable[dict[str, int]]) -> dict[str, int]:
    """Counts by name, added up."""
    return dict(sum((Counter(part) for part in parts), Counter[str]()))


def summary(
    rounds: list[Result], counted: Sequence[str] = COUNTED, measured: Sequence[str] = MEASURED
) -> Result:
    """Sums of what is counted, medians of what is measured; every round beside it."""
    result: Result = total(rounds, counted)
    for key in _BY_NAME:
        result[key] = tallied(part.get(key, {}) for part in rounds)
    result |= {key: statistics.median(part[key] for part in rounds) for key in measured if key in rounds[0]}
    result["latency_ms"] = median_points([part["latency_ms"] for part in rounds])
    result["cpu_s"] = median_points([part["cpu_s"] for part in rounds])
    result["rounds"] = rounds
    return result


def complete(figures: Result) -> Result:
    """The same with every stable key, those first."""
    return {**dict.fromkeys(STABLE), **figures}
