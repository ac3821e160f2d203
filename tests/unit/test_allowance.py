from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import Edge
from edge.allowance import Allowances


def allowed(per_s: float, burst: int, most: int = 20_000) -> Allowances:
    return Allowances(Edge(address_per_s=per_s, address_burst=burst), most)


def test_a_burst_and_then_so_many_a_second() -> None:
    allowances = allowed(2, 3)
    assert [allowances.wait_s("ann", 10) for _ in range(4)] == [0, 0, 0, pytest.approx(0.5)]
    assert allowances.wait_s("bob", 10) == 0
    assert allowances.wait_s("ann", 10.4) == pytest.approx(0.1)
    assert allowances.wait_s("ann", 10.5) == 0
    assert allowances.wait_s("ann", 10.5) == pytest.approx(0.5)
    assert [allowances.wait_s("ann", 100) for _ in range(4)] == [0, 0, 0, pytest.approx(0.5)]


def test_without_a_rate_there_is_no_limit_and_nothing_to_remember() -> None:
    allowances = allowed(0, 1)
    assert [allowances.wait_s("ann", 0) for _ in range(100)] == [0] * 100
    assert len(allowances) == 0


def test_those_at_rest_are_forgotten() -> None:
    allowances = allowed(1, 5)
    for number in range(100):
        allowances.wait_s(f"u{number}", 0)
    assert len(allowances) == 100
    for number in range(60):
        allowances.wait_s("ann", 100 + number)
    assert len(allowances) == 1


def test_there_is_a_bound_to_those_who_are_not_at_rest() -> None:
    allowances = allowed(0.001, 1, most=10)
    for number in range(50):
        assert allowances.wait_s(f"u{number}", 0) == 0
        assert len(allowances) <= 11
    assert allowances.wait_s("u49", 0) > 0
    assert allowances.wait_s("u0", 0) == 0, "who was heard of first begins anew"


@given(st.lists(st.floats(0, 0.3), max_size=200), st.integers(1, 5))
def test_never_more_than_the_burst_and_the_rate_allow(pauses: list[float], burst: int) -> None:
    allowances = allowed(10, burst)
    now, taken = 0.0, []
    for pause in pauses:
        now += pause
        if allowances.wait_s("ann", now) == 0:
            taken.append(now)
    for begin in range(len(taken)):
        for end in range(begin, len(taken)):
            assert end - begin + 1 <= burst + (taken[end] - taken[begin]) * 10 + 0.01


def test_to_look_takes_none() -> None:
    allowances = allowed(2, 1)
    assert [allowances.look_s("ann", 10) for _ in range(3)] == [0, 0, 0]
    assert len(allowances) == 0
    assert allowances.wait_s("ann", 10) == 0
    assert [allowances.look_s("ann", 10) for _ in range(2)] == [pytest.approx(0.5)] * 2
    assert allowed(0, 1).look_s("ann", 10) == 0
