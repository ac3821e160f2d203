"""Comments that wait before they are shown, so that moderators can act first. Pure.

In memory only: what waits is lost with its owner. They leave in the order in which they came, also where the
delay was shortened meanwhile.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

A = TypeVar("A")


class Delay(Generic[A]):
    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: deque[tuple[float, A]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, one: A, delay_s: float, now_s: float) -> float:
        """Let it wait for `delay_s`, and until what came before has left. Returns for how long that is."""
        due_s = now_s + delay_s
        if self._waiting:
            due_s = max(due_s, self._waiting[-1][0])
        self._waiting.append((due_s, one))
        return due_s - now_s

    def due(self, now_s: float) -> list[A]:
        """Those that have waited long enough, which wait no longer."""
        due = []
        while self._waiting and self._waiting[0][0] <= now_s:
            due.append(self._waiting.popleft()[1])
        return due

    def remove(self, which: Callable[[A], bool]) -> list[A]:
        """Those that shall not be shown any more."""
        removed = [one for _, one in self._waiting if which(one)]
        self._waiting = deque(pair for pair in self._waiting if not which(pair[1]))
        return removed
