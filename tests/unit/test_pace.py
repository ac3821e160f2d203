"""The time between two flushes: the window, and longer where very many rooms have something to show."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import Rooms
from rooms.pace import Pace


def pace(window_s: float, batches_per_s: int = 500) -> Pace:
    return Pace(Rooms(window_ms=window_s * 1000, batches_per_s=batches_per_s))


@pytest.mark.parametrize(
    ("batches", "window_s"),
    [(0, 0.05), (1, 0.05), (25, 0.05), (50, 0.1), (75, 0.15), (100, 0.2), (5000, 0.2)],
)
def test_the_window_grows_with_the_batches_within_bounds(batches: int, window_s: float) -> None:
    assert pace(0.05).window_s(batches) == pytest.approx(window_s)


def test_a_long_window_grows_no_longer() -> None:
    assert pace(0.1).window_s(5000) == pytest.approx(0.2)
    assert pace(1.0).window_s(5000) == pytest.approx(1.0)


@given(st.floats(0.001, 10), st.integers(1, 1_000_000), st.integers(0, 1_000_000))
def test_no_more_are_written_than_set_unless_the_window_is_at_its_longest(
    window_s: float, batches_per_s: int, batches: int
) -> None:
    length_s = pace(window_s, batches_per_s).window_s(batches)
    longest_s = max(window_s, min(4 * window_s, 0.2))
    assert window_s * 0.999999 <= length_s <= longest_s * 1.000001
    assert batches / length_s <= batches_per_s * 1.000001 or length_s == pytest.approx(longest_s)
