"""One request and the answers it still waits for. Pure.

A reply never lies. When time is up, a row that is not answered is open: it may have been done or not, and
the caller asks again, as long as it has time: comments carry their cid, and all else can be done twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from danmaku.envelope import Answer
from danmaku.rows import Open

_OPEN = Open()


class Timer(Protocol):
    def cancel(self) -> None: ...


class Pending:
    """`done` is called with all answers, once, in the order of the rows."""

    __slots__ = ("_answers", "_done", "_left", "_timer")

    def __init__(self, rows: int, done: Callable[[list[Answer]], None]) -> None:
        self._answers: list[Answer] = [_OPEN] * rows
        self._left = rows
        self._done: Callable[[list[Answer]], None] | None = done
        self._timer: Timer | None = None

    @property
    def is_over(self) -> bool:
        """Whether answers come too late: begin nothing more for it."""
        return self._done is None

    def answer(self, row: int, answer: Answer) -> None:
        """Once a row."""
        self._answers[row] = answer
        self._left -= 1
        if self._left == 0:
            self._finish()

    def expires_by(self, timer: Timer) -> None:
        """It calls `expire`; where all is answered before, it must not wake the process for nothing."""
        self._timer = timer

    def expire(self) -> None:
        """Time is up."""
        self._finish()

    def _finish(self) -> None:
        done, self._done = self._done, None
        if done is not None:
            if self._timer is not None:
                self._timer.cancel()
            done(self._answers.copy())


class Ticket:
    """One row of a request."""

    __slots__ = ("_pending", "_row")

    def __init__(self, pending: Pending, row: int) -> None:
        self._pending = pending
        self._row = row

    @property
    def is_over(self) -> bool:
        return self._pending.is_over

    def answer(self, answer: Answer) -> None:
        self._pending.answer(self._row, answer)
