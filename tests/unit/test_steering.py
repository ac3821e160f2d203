"""Where newcomers are sent."""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from danmaku.envelope import EdgeReport
from edge.steering import Place, steer

HERE = "ws://here/v1/ws"


def edge(name: str, connections: int = 0, region: str = "", weight: float = 1.0) -> EdgeReport:
    return EdgeReport(name, [name], connections, region=region, weight=weight, capacity=100)


def order(*reports: EdgeReport, region: str | None = None, seed: int = 0) -> list[str]:
    drawn = random.Random(seed)  # noqa: S311  only deals
    return [place.address for place in steer(reports, HERE, region, drawn.random)]


def first(*reports: EdgeReport) -> Counter[str]:
    return Counter(order(*reports, seed=seed)[0] for seed in range(3000))


def test_twice_the_room_comes_first_twice_as_often() -> None:
    firsts = first(edge("a", 80), edge("b", 60), edge("c", 100))
    assert 1800 < firsts["b"] < 2200
    assert not firsts["c"]


def test_weight_counts_as_room_does() -> None:
    assert 1800 < first(edge("a"), edge("b", weight=2.0))["b"] < 2200


def test_the_region_asked_for_comes_first_but_not_where_it_is_full() -> None:
    for seed in range(20):
        assert order(edge("far"), edge("near", 99, "eu"), region="eu", seed=seed) == ["near", "far"]
        assert order(edge("far"), edge("near", 100, "eu"), region="eu", seed=seed) == ["far", "near"]


def test_workers_of_an_address_are_one_place() -> None:
    workers = [EdgeReport("a1", ["a"], 100, capacity=100), EdgeReport("a2", ["a"], 50, capacity=100)]
    assert steer(workers, HERE, None, lambda: 0.0) == [Place("a", "", 150, 0.5)]


def test_an_edge_without_an_address_is_here_and_one_of_an_older_version_has_room() -> None:
    (place,) = steer([EdgeReport("a", [], 7)], HERE, None, lambda: 0.5)
    assert place.address == HERE
    assert not place.is_full


REPORTS = st.builds(
    EdgeReport,
    edge=st.text(max_size=3),
    addresses=st.lists(st.sampled_from("abcd"), max_size=2, unique=True),
    connections=st.integers(0, 300),
    draining=st.booleans(),
    region=st.sampled_from(["", "eu"]),
    weight=st.floats(0.001, 1000),
    capacity=st.integers(0, 200),
)
CHANCES = st.floats(0, 1, exclude_max=True)


@given(st.lists(REPORTS, max_size=8), st.sampled_from([None, "eu"]), CHANCES)
def test_each_place_once_none_that_drains_and_full_ones_last(
    reports: list[EdgeReport], region: str | None, drawn: float
) -> None:
    places = steer(reports, HERE, region, lambda: drawn)
    told = [address for report in reports if not report.draining for address in report.addresses or [HERE]]
    assert sorted(place.address for place in places) == sorted(set(told))
    assert [place.is_full for place in places] == sorted(place.is_full for place in places)
