from __future__ import annotations

from edge.journeys import Journeys


def test_the_answer_and_the_message_come_in_either_order() -> None:
    took: list[float] = []
    journeys = Journeys(took.append)
    journeys.said("g:a", 1, 10.0)
    journeys.handed("g:b", 1, 11.0)
    journeys.handed("g:a", 2, 11.0)
    assert took == []
    journeys.handed("g:a", 1, 10.5)
    journeys.said("g:a", 2, 10.75)
    assert took == [0.5, 0.25]
    journeys.handed("g:a", 1, 12.0)
    assert took == [0.5, 0.25]  # each once


def test_what_is_handed_out_much_later_was_told_again() -> None:
    took: list[float] = []
    journeys = Journeys(took.append)
    journeys.said("g:a", 1, 10.0)
    journeys.handed("g:a", 1, 70.0)
    assert took == []


def test_only_so_many_wait() -> None:
    took: list[float] = []
    journeys = Journeys(took.append, most=2)
    for seq in (1, 2, 3):
        journeys.said("g:a", seq, float(seq))
    for seq in (1, 2, 3):
        journeys.handed("g:a", seq, 4.0)
    assert took == [2.0, 1.0]  # the first was forgotten
    for seq in (4, 5):
        journeys.handed("g:a", seq, 5.0)
    for seq in (1, 4, 5):
        journeys.said("g:a", seq, 4.5)
    assert took == [2.0, 1.0, 0.5, 0.5]
