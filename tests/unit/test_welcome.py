"""The door is wide open for who becomes a viewer, and nearly closed while most come for nothing."""

from __future__ import annotations

import pytest

from config.settings import Edge
from edge.welcome import Welcome


def flood(welcome: Welcome, begin: float, seconds: float, viewers_in_ten: int = 0) -> float:
    """Who is let in at the pace it tells; the average number a second in the second half."""
    now, came, late = begin, 0, 0
    while now < begin + seconds:
        now += welcome.each_s(now)
        came += 1
        late += now >= begin + seconds / 2
        if came % 10 < viewers_in_ten:
            welcome.became_viewer(now)
        else:
            welcome.came_for_nothing(now)
    return late / (seconds / 2)


def test_it_is_open_until_somebody_floods() -> None:
    welcome = Welcome(Edge(accepts_per_s=8000))
    assert welcome.each_s(0.0) == 1 / 8000
    for number in range(200):
        welcome.came_for_nothing(number / 1000)
    assert welcome.each_s(0.2) == 1 / 8000


def test_who_floods_is_let_in_slowly_and_only_for_a_while() -> None:
    welcome = Welcome(Edge(accepts_per_s=8000))
    assert 300 < flood(welcome, 5.0, 20.0) < 1200
    assert welcome.each_s(25.0) > 5 / 8000
    assert welcome.each_s(35.0) == 1 / 8000


def test_a_storm_of_viewers_is_no_flood_even_where_many_do_not_wait() -> None:
    welcome = Welcome(Edge(accepts_per_s=8000))
    assert flood(welcome, 0.0, 2.0, 10) == pytest.approx(8000, rel=0.01)
    assert flood(welcome, 2.0, 2.0, 3) == pytest.approx(8000, rel=0.01)


def test_where_there_is_no_limit_there_is_none() -> None:
    welcome = Welcome(Edge(accepts_per_s=0))
    for _ in range(10_000):
        welcome.came_for_nothing(1.0)
    assert welcome.each_s(1.0) == 0.0
