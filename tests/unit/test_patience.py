from __future__ import annotations

from config.settings import Edge
from edge.patience import Newcomers, Pace, Rounds, SlowReaders


def test_newcomers_are_due_once_in_their_order() -> None:
    newcomers: Newcomers[str] = Newcomers(Edge(hello_s=5.0))
    newcomers.came("a", 0.0)
    newcomers.came("b", 1.0)
    newcomers.came("c", 3.0)
    assert newcomers.due(4.9) == []
    assert newcomers.due(6.0) == ["a", "b"]
    assert newcomers.due(6.0) == []
    assert newcomers.due(9.0) == ["c"]


def test_a_reader_is_behind_until_it_has_caught_up() -> None:
    slow: SlowReaders[str] = SlowReaders(100, Edge(slow_s=30.0))
    assert slow.look("a", 100, 0.0) is Pace.KEEPS_UP
    assert slow.look("a", 101, 1.0) is Pace.FELL_BEHIND
    assert slow.readers() == ["a"]
    assert slow.look("a", 500, 30.9) is Pace.BEHIND
    assert slow.look("a", 0, 40.0) is Pace.KEEPS_UP
    assert slow.readers() == []
    assert slow.look("a", 101, 41.0) is Pace.FELL_BEHIND


def test_a_reader_that_stays_behind_is_given_up_once() -> None:
    slow: SlowReaders[str] = SlowReaders(100, Edge(slow_s=30.0))
    assert slow.look("a", 101, 1.0) is Pace.FELL_BEHIND
    assert slow.look("a", 101, 31.0) is Pace.GIVEN_UP
    assert slow.readers() == []


def test_rounds_come_again_and_again() -> None:
    rounds: Rounds[str] = Rounds(Edge(recheck_s=10.0))
    rounds.come("a", 0.0)
    rounds.come("b", 1.0)
    rounds.come("c", 2.0)
    assert rounds.due(9.9, 5) == []
    assert rounds.due(11.5, 5) == ["a", "b"]
    assert rounds.due(11.5, 5) == []
    assert rounds.due(30.0, 5) == ["c", "a", "b"]


def test_of_many_that_are_due_the_rest_comes_next() -> None:
    rounds: Rounds[str] = Rounds(Edge(recheck_s=10.0))
    for one in "abc":
        rounds.come(one, 0.0)
    assert rounds.due(20.0, 2) == ["a", "b"]
    assert rounds.due(20.0, 2) == ["c"]


def test_who_left_is_not_due_and_who_came_again_is_due_later() -> None:
    rounds: Rounds[str] = Rounds(Edge(recheck_s=10.0))
    rounds.come("a", 0.0)
    rounds.come("b", 0.0)
    rounds.come("a", 5.0)
    rounds.leave("b")
    rounds.leave("nobody")
    assert rounds.due(14.0, 5) == []
    assert rounds.due(15.0, 5) == ["a"]
