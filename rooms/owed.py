"""Which comments a room owes an answer for, and that no more wait in a process than it can hold. Pure."""

from __future__ import annotations

from typing import Generic, TypeVar

from config.settings import Rooms
from rooms.accepted import Accepted
from rooms.dedupe import Dedupe, Key, Settled
from rooms.moment import Moment

W = TypeVar("W")


class Space:
    """How many comments wait in a process, over all its rooms, and how many may."""

    __slots__ = ("_limits", "taken")

    def __init__(self, limits: Rooms) -> None:
        self._limits = limits
        self.taken = 0

    @property
    def is_full(self) -> bool:
        return self.taken >= self._limits.queue_items


class Owed(Generic[W]):
    """Of one room. What somebody sent takes a place of `space` from when it is accepted until it is settled,
    released or held; what the room itself says takes none.
    """

    __slots__ = ("_count", "_dedupe", "_space")

    def __init__(self, dedupe: Dedupe[W], space: Space) -> None:
        self._dedupe = dedupe
        self._space = space
        self._count = 0

    @property
    def is_full(self) -> bool:
        return self._space.is_full

    def add(self) -> None:
        """One more was accepted."""
        self._space.taken += 1
        self._count += 1

    def remove(self) -> None:
        """One of them waits no longer."""
        self._space.taken -= 1
        self._count -= 1

    def clear(self) -> None:
        """All that wait are thrown away, unanswered."""
        self._space.taken -= self._count
        self._count = 0

    def settle(self, accepted: Accepted[W], answer: Settled, now: Moment) -> list[tuple[W, Settled]]:
        """Answer it for good: it waits for nothing any more."""
        if accepted.key is not None:
            self.remove()
        return self.tell(accepted, answer, now)

    def tell(self, accepted: Accepted[W], answer: Settled, now: Moment) -> list[tuple[W, Settled]]:
        """Answer it, though it waits still."""
        if accepted.key is not None:
            self._dedupe.settle(accepted.key, answer, now.s)
        waiters, accepted.waiters = accepted.waiters, []
        return [(waiter, answer) for waiter in waiters]

    def release(self, key: Key) -> list[W]:
        """It will be no item. Returns those who wait for an answer."""
        self.remove()
        return self._dedupe.release(key)
