"""What came over the bus for the viewers of rooms, handed out in turns that leave the loop time for more."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Hashable
from typing import Final, Generic, NamedTuple, TypeVar

from edge.pacing import Pacing

logger = logging.getLogger(__name__)

_MOST_BYTES: Final = 8 * 1024 * 1024  # more than this does not wait for its turn

R = TypeVar("R", bound=Hashable)  # whatever stands for a room


class Arrival(NamedTuple):
    payload: bytes
    at: float


class Turn(NamedTuple):
    """took: what a turn took, in seconds. waited: how long the first of it had to wait before."""

    took: float
    waited: float


class Handout(Generic[R]):
    """`show` is called with all that came for a room. `push` makes the kernel have it. `ended` is told what a
    turn took."""

    def __init__(
        self,
        pacing: Pacing,
        show: Callable[[R, list[Arrival]], None],
        push: Callable[[], None],
        ended: Callable[[Turn], None],
    ) -> None:
        self._pacing = pacing
        self._show = show
        self._push = push
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[R, list[Arrival]] = {}
        self._bytes = 0
        self._timer: asyncio.Handle | None = None
        self._closed = False

    def put(self, room: R, payload: bytes) -> None:
        """In order for each room. What comes in one turn of the loop leaves together."""
        if self._closed:
            return
        now = self._loop.time()
        self._waiting.setdefault(room, []).append(Arrival(payload, now))
        self._bytes += len(payload)
        if self._timer is None:
            due = self._pacing.due
            self._timer = self._loop.call_at(due, self.run) if due > now else self._loop.call_soon(self.run)
        elif self._bytes > _MOST_BYTES:
            self.run()

    def waits(self, room: R) -> bool:
        """Whether something of the room waits for its turn."""
        return room in self._waiting

    def forget(self, room: R) -> None:
        """Nobody wants it any more."""
        self._bytes -= sum(len(arrival.payload) for arrival in self._waiting.pop(room, ()))

    def run(self) -> None:
        """Hand out now what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._push()  # what else is to be done is no part of what a turn takes
        waiting, self._waiting = self._waiting, {}
        self._bytes = 0
        if not waiting:
            return
        begin = self._loop.time()
        for room, arrivals in waiting.items():
            try:
                self._show(room, arrivals)
            except Exception:  # the other rooms must have theirs
                logger.exception("what came for a room could not be shown")
        first = min(arrivals[0].at for arrivals in waiting.values())
        self._end(begin, begin - first)

    def beside(self, show: Callable[[], None]) -> None:
        """Show something that did not wait here: the time that it takes counts."""
        begin = self._loop.time()
        show()
        self._end(begin, 0.0)

    def close(self) -> None:
        """What waits is not shown, nor what comes after that."""
        self._closed = True
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _end(self, begin: float, waited_s: float) -> None:
        self._push()
        end = self._loop.time()
        self._pacing.took(begin, end)
        self._ended(Turn(end - begin, waited_s))
