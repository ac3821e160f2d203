"""What the load tool's chat users have heard, against the plainest way to count it."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from loadtest.ears import Ear


def test_in_order_and_then_late_and_then_twice() -> None:
    ear = Ear(3)
    verdicts = [ear.hear(seq) for seq in (4, 6, 7, 5, 6, 3)]
    assert verdicts == ["delivered", "delivered", "delivered", "out_of_order", "duplicates", "duplicates"]
    assert ear.has_all(7)
    assert not ear.has_all(8)
    assert ear.lost == 0


def test_what_is_missed_is_lost_until_it_comes() -> None:
    ear = Ear()
    ear.hear(1)
    ear.miss(3)
    assert ear.lost == 2
    assert not ear.has_all(3)
    ear.miss(2)
    assert ear.lost == 2
    assert ear.hear(2) == "out_of_order"
    assert ear.lost == 1


@given(st.lists(st.integers(1, 12)), st.integers(0, 12))
def test_it_counts_like_a_set(came: list[int], head: int) -> None:
    ear = Ear()
    verdicts = Counter(ear.hear(seq) for seq in came)
    ear.miss(head)
    heard, newest = set(came), max([head, *came])
    assert verdicts["delivered"] + verdicts["out_of_order"] == len(heard)
    assert verdicts["duplicates"] == len(came) - len(heard)
    assert ear.lost == newest - len(heard)
    assert ear.has_all(head) is (ear.lost == 0)
