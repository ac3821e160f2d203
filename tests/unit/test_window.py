"""The gather window: short for few rows, longer for many, none for a row alone, never without a bound."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.window import Window


def gather(window: Window, rows: int, seconds: float, begin: float = 0.0) -> None:
    """So many come within that time, and are asked about at its end."""
    for number in range(rows):
        window.due(begin + number * seconds / rows)
    window.ended(begin + seconds)


def test_a_few_rows_wait_no_longer_than_they_have_to() -> None:
    window = Window(0.005)

    for rows in (0, 1, 8):
        gather(window, rows, 0.005)
        assert window.s == 0.005


def test_many_rows_are_gathered_for_longer() -> None:
    window = Window(0.005)

    gather(window, 16, 0.005)

    assert window.s == pytest.approx(0.01)


def test_an_even_pace_keeps_its_window() -> None:
    window = Window(0.005)
    gather(window, 16, 0.005)

    gather(window, 32, 0.01)  # twice as many in twice the time

    assert window.s == pytest.approx(0.01)


def test_it_shrinks_when_the_rush_is_over() -> None:
    window = Window(0.005)
    gather(window, 1000, 0.005)

    gather(window, 2, 0.02)

    assert window.s == 0.005


def test_a_request_of_rows_from_before_says_nothing_of_the_rush() -> None:
    window = Window(0.005)
    gather(window, 16, 0.005)

    window.ended(0.006)

    assert window.s == pytest.approx(0.01)


def test_rows_that_waited_for_longer_are_no_rush() -> None:
    window = Window(0.005)

    gather(window, 16, 0.1)

    assert window.s == 0.005


def test_those_of_one_moment_count_as_those_of_one_window() -> None:
    window = Window(0.005)

    gather(window, 16, 0.0)

    assert window.s == pytest.approx(0.01)


def test_the_first_row_and_one_after_a_pause_do_not_wait() -> None:
    window = Window(0.25)

    assert [window.due(now) for now in (1.0, 1.0)] == [1.0, 1.0]
    window.ended(1.0)
    assert [window.due(now) for now in (1.125, 1.25, 1.375)] == [1.375, 1.375, 1.375]
    window.ended(1.375)
    assert window.due(1.625) == 1.625


def test_it_is_never_shorter_than_what_there_is_to_spare() -> None:
    spare_s = 0.2
    window = Window(0.01, lambda: spare_s)
    assert window.s == 0.2
    window.due(1.0)
    window.ended(1.0)
    assert window.due(1.1) == pytest.approx(1.3)
    window.ended(1.3)
    spare_s = 0.001
    assert window.s == 0.01
    gather(window, 1000, 0.01, begin=2.0)
    assert window.s == pytest.approx(0.04)


def test_without_a_window_nothing_is_gathered() -> None:
    window = Window(0.0)

    gather(window, 1000, 0.01)

    assert window.s == 0.0
    assert window.due(0.01) == 0.01


@given(st.floats(0.0001, 1.0), st.lists(st.tuples(st.integers(0, 1000), st.floats(0.0, 20.0)), max_size=20))
def test_it_is_never_shorter_than_set_nor_four_times_as_long(
    least_s: float, gathered: list[tuple[int, float]]
) -> None:
    window = Window(least_s)
    now = 0.0
    for rows, seconds in gathered:
        gather(window, rows, seconds, begin=now)
        now += seconds
        assert least_s <= window.s <= 4 * least_s
        assert window.due(now) in {now, now + window.s}
        window.ended(now)
