from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from config.settings import Review
from rooms.breaker import Breaker

PAUSE_S = 5.0


def limits(failures: int) -> Review:
    return Review(breaker_failures=failures, breaker_pause_s=PAUSE_S)


def test_failures_in_a_row_open_it_and_one_answer_closes_it() -> None:
    breaker = Breaker(limits(3))
    for _ in range(2):
        breaker.failed(0)
    breaker.succeeded()
    for _ in range(2):
        breaker.failed(0)
    assert (breaker.may_ask(0), breaker.state) == (True, "closed")
    breaker.failed(1)
    assert (breaker.may_ask(5.9), breaker.state) == (False, "open")
    assert (breaker.may_ask(6), breaker.state) == (True, "trying")
    assert not breaker.may_ask(6), "one question at a time tries"
    breaker.succeeded()
    assert (breaker.may_ask(6), breaker.state) == (True, "closed")


def test_a_try_that_fails_opens_it_again() -> None:
    breaker = Breaker(limits(1))
    breaker.failed(0)
    assert breaker.may_ask(5)
    breaker.failed(5)
    assert not breaker.may_ask(9)
    assert breaker.may_ask(10)


def test_a_try_that_is_given_up_leaves_it_to_another() -> None:
    breaker = Breaker(limits(1))
    breaker.gave_up(0)
    assert breaker.state == "closed"
    breaker.failed(0)
    assert breaker.may_ask(5)
    breaker.gave_up(5.5)
    assert breaker.may_ask(5.5)


@given(
    st.integers(1, 4),
    st.lists(st.tuples(st.booleans(), st.floats(0, 10, allow_nan=False)), max_size=60),
)
def test_who_never_answers_is_hardly_asked_and_who_answers_always(
    failures: int, steps: list[tuple[bool, float]]
) -> None:
    breaker, now, in_a_row = Breaker(limits(failures)), 0.0, 0
    blocked_until = 0.0
    for answers, passed in steps:
        now += passed
        may = breaker.may_ask(now)
        assert may == (in_a_row < failures or now >= blocked_until)
        if not may:
            continue
        if answers:
            breaker.succeeded()
            in_a_row = 0
        else:
            breaker.failed(now)
            in_a_row += 1
            if in_a_row >= failures:
                blocked_until = now + PAUSE_S
