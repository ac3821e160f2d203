"""The gather window: short for few rows, longer for many, and never without a bound."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.window import Window


def test_a_few_rows_wait_no_longer_than_they_have_to() -> None:
    window = Window(0.005)

    for rows in (0, 1, 8):
        window.gathered(rows, 0.005)
        assert window.s == 0.005


def test_many_rows_are_gathered_for_longer() -> None:
    window = Window(0.005)

    window.gathered(16, 0.005)

    assert window.s == pytest.approx(0.01)


def test_an_even_pace_keeps_its_window() -> None:
    window = Window(0.005)
    window.gathered(16, 0.005)

    window.gathered(32, 0.01)  # twice as many in twice the time

    assert window.s == pytest.approx(0.01)


def test_it_shrinks_when_the_rush_is_over() -> None:
    window = Window(0.005)
    window.gathered(1000, 0.005)

    window.gathered(2, 0.02)

    assert window.s == 0.005


def test_without_a_window_nothing_is_gathered() -> None:
    window = Window(0.0)

    window.gathered(1000, 0.01)

    assert window.s == 0.0


def test_rows_that_waited_for_longer_are_no_rush() -> None:
    window = Window(0.005)

    window.gathered(16, 0.1)

    assert window.s == 0.005


def test_those_of_one_moment_count_as_those_of_one_window() -> None:
    window = Window(0.005)

    window.gathered(16, 0.0)

    assert window.s == pytest.approx(0.01)


@given(
    st.floats(0.0001, 1.0), st.lists(st.tuples(st.integers(0, 100_000), st.floats(0.0, 20.0)), max_size=20)
)
def test_it_is_never_shorter_than_set_nor_four_times_as_long(
    least_s: float, gathered: list[tuple[int, float]]
) -> None:
    window = Window(least_s)
    for rows, seconds in gathered:
        window.gathered(rows, seconds)
        assert least_s <= window.s <= 4 * least_s
