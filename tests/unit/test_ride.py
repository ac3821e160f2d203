from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from danmaku import wire
from danmaku.envelope import Out, OutKind
from danmaku.model import Position
from edge.feed import Shown
from edge.ride import Ride
from edge.ring import Batch


def batch(epoch: int, seq: int) -> Batch:
    return Batch(Position(epoch, seq), 1, None, b"")


def out(kind: OutKind, lease: int = 5, mark: bytes = b"") -> Out:
    return Out(kind, lease, Position(lease, 1), 0, None, "", mark)


def stats(lease: int = 5, mark: bytes = b"") -> Out:
    return out(OutKind.STATS, lease, mark)


def test_in_a_quiet_room_they_are_shown_at_once() -> None:
    ride = Ride()
    for _ in range(3):
        assert ride.along([one := stats()]) == [one]


def test_in_a_busy_one_they_leave_with_the_next_batch() -> None:
    ride = Ride()
    first, last = batch(5, 1), batch(5, 2)
    said, notice = stats(), out(OutKind.NOTICE)
    assert ride.along([first, said, notice]) == [first, notice]
    assert ride.along([last]) == [last, said]
    assert ride.along([]) == []


def test_they_wait_no_longer_than_until_the_next_statistics() -> None:
    ride = Ride()
    old, new = stats(mark=b"old"), stats(mark=b"new")
    assert ride.along([batch(5, 1), old])[1:] == []
    assert ride.along([new]) == [new]
    assert ride.along([one := batch(5, 2)]) == [one]


def test_those_of_an_owner_before_are_left_out() -> None:
    ride = Ride()
    ride.along([batch(5, 1), stats(5)])
    assert ride.along([one := batch(6, 1)]) == [one]


@given(st.lists(st.sampled_from(["batch", "stats", "notice", "skip"])))
def test_all_else_is_shown_at_once_and_in_order(kinds: list[str]) -> None:
    ride = Ride()
    came: list[Shown] = []
    shown: list[Shown] = []
    for number, kind in enumerate(kinds):
        choice: dict[str, Shown] = {
            "batch": batch(5, number),
            "stats": stats(mark=b"%d" % number),
            "notice": out(OutKind.NOTICE, mark=b"%d" % number),
            "skip": wire.Skip("r", 5, number, number),
        }
        one = choice[kind]
        came.append(one)
        now = ride.along([one])
        assert kind == "stats" or now[0] is one
        shown += now
    others = [one for one in came if one not in _statistics(came)]
    assert [one for one in shown if one not in _statistics(shown)] == others
    told = _statistics(shown)
    assert told == [one for one in _statistics(came) if one in told], "each once, and in order"
    assert len(_statistics(came)) <= 2 * len(told) + 1


def _statistics(shown: list[Shown]) -> list[Shown]:
    return [one for one in shown if isinstance(one, Out) and one.kind is OutKind.STATS]
