from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from rooms.rate import Rate


def test_a_burst_at_once_and_then_evenly() -> None:
    rate = Rate(count=20, per_s=30, burst=5)
    due = 0.0
    for _ in range(5):
        assert rate.wait_s(due, 100) == 0
        due = rate.due_s(due, 100)
    assert rate.wait_s(due, 100) == 1.5
    assert rate.wait_s(due, 101.5) == 0
    assert rate.wait_s(due, 100 + rate.memory_s) == rate.wait_s(0.0, 100 + rate.memory_s) == 0


@given(st.integers(1, 50), st.floats(1, 100), st.integers(1, 10), st.lists(st.floats(0, 3), max_size=100))
def test_no_span_of_time_sees_more_than_its_share_and_the_burst(
    count: int, per_s: float, burst: int, pauses: list[float]
) -> None:
    rate = Rate(count, per_s, burst)
    due, now = 0.0, 1000.0
    taken: list[float] = []
    for pause in pauses:
        now += pause
        if rate.wait_s(due, now) == 0:
            due = rate.due_s(due, now)
            taken.append(now)
    for index, begin in enumerate(taken):
        for end in range(index, len(taken)):
            allowed = burst + (taken[end] - begin) * count / per_s
            assert end - index + 1 <= math.floor(allowed + 1e-6)
