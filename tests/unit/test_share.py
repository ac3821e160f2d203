from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danmaku.subjects import PARTITIONS
from rooms.share import Sharers, fair_share, surplus, wanted


@pytest.mark.parametrize(("processes", "share"), [(1, 64), (2, 32), (3, 22), (64, 1), (100, 1)])
def test_the_share_is_rounded_up(processes: int, share: int) -> None:
    assert fair_share(processes) == share


def reckoned(sharers: Sharers, *asked: tuple[float, int]) -> list[int]:
    return [sharers.reckoned(counted, now) for now, counted in asked]


def test_who_comes_back_first_after_an_outage_is_not_alone() -> None:
    sharers = Sharers(lasts_s=3)
    assert reckoned(sharers, (0, 3), (0.75, 3), (3.0, 3)) == [3, 3, 3]
    assert reckoned(sharers, (10, 1), (10.75, 2), (11.5, 4)) == [3, 3, 4]
    assert reckoned(sharers, (12.25, 2), (13, 2)) == [4, 2], "whoever is not back by then is gone"
    assert reckoned(sharers, (13.75, 1)) == [1], "and who goes at any other time is at once"


def test_a_question_that_takes_long_now_and_then_is_no_outage() -> None:
    sharers = Sharers(lasts_s=3)
    often = [(at * 1.75, 3) for at in range(10)]
    assert reckoned(sharers, *often) == [3] * 10
    assert reckoned(sharers, (17.5, 1), (19.25, 1)) == [1, 1]


def test_who_was_just_started_reckons_with_those_who_are_there() -> None:
    assert reckoned(Sharers(lasts_s=3), (0, 1), (0.75, 2), (1.5, 1)) == [1, 2, 1]


def test_only_what_is_above_the_share_is_given_back() -> None:
    assert surplus([5, 3, 9], 3) == []
    assert surplus([5, 3, 9], 2) == [9]


def test_only_what_is_missing_is_taken_and_only_where_nobody_is() -> None:
    assert wanted({1}, {2}, 3, start=0) == [0, 3]
    assert wanted({1}, {2}, 3, start=62) == [62, 63]
    assert wanted({1, 2}, set(), 1, start=0) == []


def test_what_was_held_before_comes_first() -> None:
    assert wanted({1}, {2, 40}, 4, 0, {40, 50, 7}) == [7, 50, 0]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.integers(0, 63))
def test_whoever_comes_and_goes_all_is_owned_in_the_end_and_then_nothing_moves(
    populations: list[int], start: int
) -> None:
    held: list[set[int]] = []
    for population in populations:
        held = held[:population] + [set() for _ in range(population - len(held))]
        for _ in range(3):
            _round(held, start)
        assert sorted(partition for own in held for partition in own) == list(range(PARTITIONS))
        before = [set(own) for own in held]
        _round(held, start)
        assert held == before


def _round(held: list[set[int]], start: int) -> None:
    share = fair_share(len(held))
    for own in held:
        own.difference_update(surplus(own, share))
        taken = {partition for others in held for partition in others}
        own.update(wanted(own, taken, share, start))
