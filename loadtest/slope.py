"""A line through points: how fast something grows, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt


@dataclass(frozen=True, slots=True)
class Slope:
    """`error` is one standard error, as if the points were independent of each other."""

    value: float
    error: float


def slope(points: Sequence[tuple[float, float]]) -> Slope:
    """Least squares over (x, y). With fewer than three points, or all at one x, it is 0 and the error inf."""
    count = len(points)
    middle_x = sum(x for x, _ in points) / max(count, 1)
    middle_y = sum(y for _, y in points) / max(count, 1)
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    if count < 3 or spread == 0:
        return Slope(0.0, float("inf"))
    value = sum((x - middle_x) * (y - middle_y) for x, y in points) / spread
    rest = sum((y - middle_y - value * (x - middle_x)) ** 2 for x, y in points)
    return Slope(value, sqrt(rest / (count - 2) / spread))
