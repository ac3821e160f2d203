from __future__ import annotations

from danmaku.envelope import Answer
from danmaku.rows import Done, Elsewhere, Open
from rooms.pending import Pending, Ticket


def pending(rows: int) -> tuple[list[Ticket], Pending, list[list[Answer]]]:
    told: list[list[Answer]] = []
    request = Pending(rows, told.append)
    return [Ticket(request, row) for row in range(rows)], request, told


def test_all_answers_come_at_once_in_the_order_of_the_rows() -> None:
    tickets, request, told = pending(2)
    tickets[1].answer(Done())
    assert (told, request.is_over) == ([], False)
    tickets[0].answer(Elsewhere())
    assert told == [[Elsewhere(), Done()]]
    assert tickets[0].is_over
    request.expire()
    assert len(told) == 1


def test_no_timer_rings_for_what_is_answered() -> None:
    class Timer:
        def cancel(self) -> None:
            cancelled.append(self)

    cancelled: list[Timer] = []
    (one, other), request, _ = pending(2)
    timer = Timer()
    request.expires_by(timer)
    one.answer(Done())
    assert cancelled == []
    other.answer(Done())
    request.expire()
    assert cancelled == [timer]


def test_a_row_whose_outcome_is_open_when_time_is_up_does_not_silence_the_others() -> None:
    tickets, request, told = pending(3)
    tickets[0].answer(Done())
    request.expire()
    assert request.is_over
    tickets[1].answer(Done())
    tickets[2].answer(Done())
    assert told == [[Done(), Open(), Open()]]
