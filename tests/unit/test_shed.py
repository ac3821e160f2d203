from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from rooms.shed import Budget, Display


def test_a_budget_fills_evenly_up_to_one_second() -> None:
    budget = Budget(10)
    assert budget.spend(4, 0) == 4
    assert budget.spend(10, 0) == 6
    assert budget.spend(10, 0.5) == 5
    assert budget.spend(10, 0.4) == 0  # a clock that went back gives nothing
    assert budget.spend(100, 1000) == 10


def test_no_limit_is_zero() -> None:
    assert Budget(0).spend(1_000_000, 0) == 1_000_000
    assert Display(1, 0).may_queue_high(10**6)


def test_below_the_budget_everything_is_shown() -> None:
    assert Display(5, 1).choose(["a", "a", "b"], 0) == [0, 1, 2]


def test_above_it_one_of_each_before_a_second_of_any_and_the_longest_unseen_first() -> None:
    display = Display(2, 1)
    assert display.choose(["a", "a", "b"], 0) == [0, 2]
    assert display.choose(["a", "b", "c"], 0.5) == [2]
    assert display.choose(["a", "c"], 1.0) == [0]
    assert display.choose(["a", "b", "c"], 1.5) == [1]


def test_a_changed_rate_counts_at_once() -> None:
    display = Display(1, 1)
    assert display.choose(["a", "b"], 0) == [0]
    display.change(1, 1)
    assert display.choose(["a"], 0) == []
    display.change(2, 1)
    assert display.choose(["a", "b"], 0) == [0, 1]
    assert display.spend_high(2, 0) == 1
    display.change(2, 3)
    assert display.choose(["a"], 0) == []
    assert display.spend_high(5, 0) == 3


def test_events_and_staff_have_a_budget_of_their_own_and_wait_for_a_second_at_most() -> None:
    display = Display(1, 2)
    assert display.choose(["a"] * 10, 0) == [0]
    assert display.spend_high(3, 0) == 2
    assert [display.may_queue_high(queued) for queued in (0, 1, 2)] == [True, True, False]
    assert display.spend_high(1, 0.5) == 1


@given(
    st.integers(1, 10),
    st.lists(st.tuples(st.lists(st.integers(0, 6), max_size=15), st.floats(0, 0.5)), max_size=40),
)
def test_no_second_shows_more_than_twice_the_rate_and_the_choice_keeps_order(
    per_s: int, cuts: list[tuple[list[int], float]]
) -> None:
    display = Display(per_s, 1)
    now = 0.0
    shown: list[float] = []
    for uids, passed in cuts:
        now += passed
        chosen = display.choose([str(uid) for uid in uids], now)
        assert chosen == sorted(set(chosen))
        assert all(0 <= index < len(uids) for index in chosen)
        shown += [now] * len(chosen)
    for begin in shown:
        assert sum(begin <= at < begin + 1 for at in shown) <= 2 * per_s


def test_everybody_is_shown_about_as_often_however_much_some_of_them_say() -> None:
    display = Display(10, 1)
    display.choose(["before"] * 10, 0)
    shown: Counter[str] = Counter()
    for cut in range(1, 1000):
        uids = ["loud"] * 5 + [f"u{number}" for number in range(5)]
        shown.update(uids[index] for index in display.choose(uids, cut * 0.1))
    assert max(shown.values()) - min(shown.values()) <= 1
