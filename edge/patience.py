"""Whom an edge looks at again, and when: newcomers, slow readers, counted connections. Pure."""

from __future__ import annotations

from collections import deque
from enum import Enum
from typing import Generic, TypeVar

from config.settings import Edge

C = TypeVar("C")  # whatever stands for a connection


class Newcomers(Generic[C]):
    """One queue instead of a timer each. It holds who came within `hello_s`."""

    def __init__(self, limits: Edge) -> None:
        self._limits = limits
        self._queue: deque[tuple[float, C]] = deque()

    def came(self, newcomer: C, now: float) -> None:
        self._queue.append((now, newcomer))

    def due(self, now: float) -> list[C]:
        """Those whose time is up; each is told once, whether it said hello meanwhile or not."""
        due: list[C] = []
        hello_s = self._limits.hello_s
        while self._queue and self._queue[0][0] + hello_s <= now:
            due.append(self._queue.popleft()[1])
        return due


class Rounds(Generic[C]):
    """Whoever came is due every `recheck_s`. One dictionary in the order of dues instead of a timer each."""

    def __init__(self, limits: Edge) -> None:
        self._limits = limits
        self._since: dict[C, float] = {}

    def come(self, one: C, now: float) -> None:
        self._since.pop(one, None)
        self._since[one] = now

    def leave(self, one: C) -> None:
        """Not an error when it never came."""
        self._since.pop(one, None)

    def due(self, now: float, most: int) -> list[C]:
        """At most `most` of those whose time has come, each put off to the next round by this."""
        due: list[C] = []
        recheck_s = self._limits.recheck_s
        for one, since in self._since.items():
            if since + recheck_s > now or len(due) == most:
                break
            due.append(one)
        for one in due:
            self.come(one, now)
        return due


class Pace(Enum):
    KEEPS_UP = 1
    FELL_BEHIND = 2  # just now
    BEHIND = 3
    GIVEN_UP = 4  # behind for too long


class SlowReaders(Generic[C]):
    """Remembers who has more than `limit` bytes unread, and since when: for `slow_s` he is put up with."""

    def __init__(self, limit: int, limits: Edge) -> None:
        self._limit = limit
        self._limits = limits
        self._since: dict[C, float] = {}

    def readers(self) -> list[C]:
        return list(self._since)

    def look(self, reader: C, unread: int, now: float) -> Pace:
        """What `unread` bytes at `now` say about this reader."""
        if unread <= self._limit:
            self._since.pop(reader, None)
            return Pace.KEEPS_UP
        since = self._since.setdefault(reader, now)
        if since == now:
            return Pace.FELL_BEHIND
        if now - since < self._limits.slow_s:
            return Pace.BEHIND
        del self._since[reader]
        return Pace.GIVEN_UP
