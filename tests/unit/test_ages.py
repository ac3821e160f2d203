"""How old a request is, though nobody's clock agrees with anybody else's."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from danmaku.envelope import Sent
from rooms.ages import Ages


def test_nothing_is_known_of_a_sender_at_first_or_of_who_says_nothing() -> None:
    ages = Ages()
    assert ages.age_s(None, 5.0) == 0.0
    assert ages.age_s(Sent("e", 123_000), 5.0) == 0.0


def test_what_piled_up_while_the_receiver_stood_still_is_old() -> None:
    ages = Ages()
    assert ages.age_s(Sent("e", 1_000_000), 50.0) == 0.0
    waited = [ages.age_s(Sent("e", 1_000_000 + after_ms), 54.0) for after_ms in (500, 2000, 4000)]
    assert waited == [3.5, 2.0, 0.0]


def test_however_long_it_stood_still() -> None:
    ages = Ages()
    ages.age_s(Sent("e", 0), 50.0)
    assert ages.age_s(Sent("e", 1000), 1050.0) == 999.0
    assert ages.age_s(Sent("e", 1_000_000), 1050.0) == 0.0


def test_each_sender_has_its_own_clock() -> None:
    ages = Ages()
    ages.age_s(Sent("a", 0), 10.0)
    assert ages.age_s(Sent("b", 900_000), 10.0) == 0.0
    assert ages.age_s(Sent("a", 0), 11.5) == 1.5


def test_a_clock_that_lost_time_for_good_is_believed_again_after_a_while() -> None:
    """As where the machine of an edge was asleep."""
    ages = Ages()
    ages.age_s(Sent("e", 0), 0.0)
    assert ages.age_s(Sent("e", 1000), 6.0) == 5.0
    ages.age_s(Sent("e", 6000), 11.0)
    assert ages.age_s(Sent("e", 16_500), 21.5) == 0.0


def test_the_ages_of_so_many_senders_are_kept() -> None:
    ages = Ages()
    for number in range(10_001):
        ages.age_s(Sent(str(number), 0), 1.0)
    assert ages.age_s(Sent("9999", 0), 3.0) == 2.0
    assert ages.age_s(Sent("10000", 0), 3.0) == 0.0


@given(
    st.floats(-1e6, 1e6),
    st.lists(st.tuples(st.integers(0, 100_000), st.integers(0, 5000)), min_size=1, max_size=50),
)
def test_nothing_is_ever_older_than_it_is(offset_s: float, sendings: list[tuple[int, int]]) -> None:
    """Whatever the clocks show: a request that took `took_ms` is not called older than that."""
    ages = Ages()
    for sent_ms, took_ms in sorted(sendings, key=sum):
        now_s = offset_s + (sent_ms + took_ms) / 1000
        assert ages.age_s(Sent("e", sent_ms), now_s) <= took_ms / 1000 + 1e-6
