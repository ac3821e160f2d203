from __future__ import annotations

from edge.lately import Lately


def test_what_was_said_last_counts_as_long_as_it_is_fresh() -> None:
    lately: Lately[int] = Lately(fresh_s=10, most=8)
    lately.hear("a", 1, 0)
    lately.hear("b", 2, 5)
    lately.hear("a", 3, 6)
    assert lately.all(15) == [2, 3]
    assert lately.all(16) == [3]
    lately.hear("c", 4, 17)
    assert lately.all(0) == [4]  # what was not fresh any more is gone


def test_of_too_many_the_one_heard_of_longest_ago_goes() -> None:
    lately: Lately[int] = Lately(fresh_s=10, most=2)
    for number, name in enumerate("abac"):
        lately.hear(name, number, 0)
    assert lately.all(0) == [2, 3]
