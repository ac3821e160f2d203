from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from danmaku.envelope import Counts
from rooms.viewers import Viewers


def test_counts_of_edges_are_summed_and_the_latest_counts() -> None:
    viewers = Viewers()
    assert viewers.of("a") == 0
    viewers.report(Counts("e1", 1, {"a": 3, "b": 1}), 0)
    viewers.report(Counts("e2", 1, {"a": 4, "c": 0, "d": -5}), 0)
    assert [viewers.of(room) for room in "abcd"] == [7, 1, 0, 0]
    viewers.report(Counts("e1", 1, {"a": 1}), 2)
    assert [viewers.of(room) for room in "ab"] == [5, 0]


def test_a_former_life_of_an_edge_is_ignored() -> None:
    viewers = Viewers()
    viewers.report(Counts("e1", 2, {"a": 3}), 0)
    viewers.report(Counts("e1", 1, {"a": 100}), 1)
    assert viewers.of("a") == 3
    viewers.report(Counts("e1", 3, {"a": 1}), 1)
    assert viewers.of("a") == 1


def test_a_former_life_that_had_more_shards_is_forgotten_whole() -> None:
    viewers = Viewers()
    for shard in range(2):
        viewers.report(Counts(f"9f/e1-{shard}", 1, {"a": 3}), 0)
    viewers.report(Counts("9f/e2-0", 1, {"a": 10}), 0)
    viewers.report(Counts("9f/e1-0", 2, {"a": 4}), 1)
    viewers.report(Counts("9f/e1-1", 1, {"a": 100}), 1)
    assert viewers.of("a") == 14
    viewers.report(Counts("9f/e1-1", 2, {"a": 5}), 1)
    assert viewers.of("a") == 19


def test_an_edge_that_is_silent_for_three_intervals_is_forgotten() -> None:
    viewers = Viewers()
    viewers.report(Counts("e1", 1, {"a": 3}), 0)
    viewers.report(Counts("e2", 1, {"a": 4}), 3)
    viewers.forget_silent(6)
    assert viewers.of("a") == 7
    viewers.forget_silent(6.1)
    assert viewers.of("a") == 4


def test_there_are_only_so_many_edges() -> None:
    viewers = Viewers(max_edges=1)
    viewers.report(Counts("e1", 1, {"a": 3}), 0)
    viewers.report(Counts("e2", 1, {"a": 4}), 0)
    viewers.report(Counts("e1", 1, {"a": 5}), 0)
    assert viewers.of("a") == 5


REPORTS = st.lists(
    st.tuples(
        st.sampled_from(["e1", "e2", "e3"]),
        st.integers(1, 3),
        st.dictionaries(st.sampled_from("abc"), st.integers(0, 5)),
    )
)


@given(REPORTS)
def test_totals_are_the_sum_of_what_holds(reports: list[tuple[str, int, dict[str, int]]]) -> None:
    viewers = Viewers()
    latest: dict[str, tuple[int, dict[str, int]]] = {}
    for edge, incarnation, rooms in reports:
        viewers.report(Counts(edge, incarnation, rooms), 0)
        if incarnation >= latest.get(edge, (0, {}))[0]:
            latest[edge] = (incarnation, rooms)
        for room in "abc":
            assert viewers.of(room) == sum(known.get(room, 0) for _, known in latest.values())
    viewers.forget_silent(100)
    assert [viewers.of(room) for room in "abc"] == [0, 0, 0]
