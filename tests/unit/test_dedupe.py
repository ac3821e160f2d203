from __future__ import annotations

from danmaku.rows import Delayed, Shed, Shown
from rooms.dedupe import Dedupe

KEY = ("u1", "c1")


def test_a_repeat_waits_while_it_is_pending_and_gets_the_same_answer_later() -> None:
    dedupe: Dedupe[str] = Dedupe(10, _never)
    assert dedupe.answer(KEY) is None
    assert not dedupe.wait(KEY, "first")
    waiters = ["first"]
    dedupe.begin(KEY, waiters)
    assert dedupe.answer(KEY) is None
    assert dedupe.wait(KEY, "second")
    assert not dedupe.wait(("u2", "c1"), "third")
    assert waiters == ["first", "second"]
    dedupe.settle(KEY, Shown(1, 2, 3), 0)
    assert dedupe.answer(KEY) == Shown(1, 2, 3)
    assert not dedupe.wait(KEY, "late")


def test_what_history_knows_counts_and_all_is_forgotten_in_time() -> None:
    dedupe: Dedupe[str] = Dedupe(10, _never)
    dedupe.settle(KEY, Shed(), 0)
    dedupe.settle(("u2", "c2"), Shed(), 10)
    assert dedupe.answer(KEY) == Shed()
    dedupe.settle(("u3", "c3"), Shed(), 20)
    assert dedupe.answer(KEY) is None


def test_what_is_delayed_is_settled_once_more() -> None:
    dedupe: Dedupe[str] = Dedupe(10, _never)
    dedupe.settle(KEY, Delayed(3000), 0)
    assert dedupe.answer(KEY) == Delayed(3000)
    dedupe.settle(KEY, Shown(1, 2, 3), 3)
    assert dedupe.answer(KEY) == Shown(1, 2, 3)
    dedupe.settle(("u2", "c2"), Delayed(3000), 3)
    dedupe.settle(("u2", "c2"), Shed(), 3)
    assert dedupe.answer(("u2", "c2")) == Shed()


def test_whoever_needs_no_answer_any_more_is_forgotten_at_the_next_repeat() -> None:
    over: set[str] = set()
    dedupe: Dedupe[str] = Dedupe(10, over.__contains__)
    waiters = ["first"]
    dedupe.begin(KEY, waiters)
    dedupe.wait(KEY, "second")
    over |= {"first", "second"}
    dedupe.wait(KEY, "third")
    assert waiters == ["third"]


def test_what_is_left_out_pushes_nothing_out_that_was_shown() -> None:
    dedupe: Dedupe[str] = Dedupe(120, _never, most=10)
    dedupe.settle(KEY, Shown(1, 2, 3), 0)
    for number in range(50):
        dedupe.settle(("flood", f"c{number}"), Shed(), 1)
    assert dedupe.answer(KEY) == Shown(1, 2, 3)
    assert dedupe.answer(("flood", "c49")) == Shed()
    assert dedupe.answer(("flood", "c0")) is None, "it is judged once more"


def _never(_: str) -> bool:
    return False
