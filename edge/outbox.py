"""Rows on their way to those who answer them: gathered, cut into requests, asked again in time. Pure.

Every row is in exactly one place until it is answered: in the queue, or in a request under way. So
it is answered exactly once, whatever happens to requests.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from danmaku.rows import Elsewhere, Open

R = TypeVar("R")
A = TypeVar("A")

SHORTEST_ATTEMPT_S: Final = 0.25  # with less time left it is not worth asking again
_AGAIN: Final = frozenset((Elsewhere, Open))  # a look at the type: isinstance takes several times as long
PAUSE_S: Final = 0.1  # before a request that failed is made again


class Waiting(Generic[R, A]):
    """A row and who waits for its answer. Times are monotonic seconds."""

    __slots__ = ("answered", "deadline", "not_before", "row")

    def __init__(self, row: R, answered: Callable[[A], None], deadline: float) -> None:
        self.row = row
        self.answered = answered
        self.deadline = deadline
        self.not_before = 0.0


@dataclass(slots=True, eq=False)
class Parcel(Generic[R, A]):
    """The rows of one request, to be answered in this order."""

    destination: str
    waiting: list[Waiting[R, A]]

    @property
    def rows(self) -> list[R]:
        return [one.row for one in self.waiting]

    @property
    def deadline(self) -> float:
        """When the first of them must be answered."""
        return min(one.deadline for one in self.waiting)


@dataclass(frozen=True, slots=True)
class Bounds:
    rows: int = 20_000  # waiting and under way together
    rows_per_request: int = 400  # answers that hold rooms with long titles fit into one message
    requests: int = 32  # under way to one destination


class Outbox(Generic[R, A]):
    """`route` names the destination of a row, None while nobody is known."""

    def __init__(self, route: Callable[[R], str | None], bounds: Bounds) -> None:
        self._route = route
        self._bounds = bounds
        self._queue: list[Waiting[R, A]] = []
        self._under_way: defaultdict[str, int] = defaultdict(int)
        self._rows = 0

    def __len__(self) -> int:
        """Rows that are not answered yet."""
        return self._rows

    @property
    def queued(self) -> int:
        """Rows that are in no request."""
        return len(self._queue)

    def put(self, waiting: Waiting[R, A]) -> bool:
        """False when there are too many already; then it is the caller's to answer."""
        if self._rows >= self._bounds.rows:
            return False
        self._rows += 1
        self._queue.append(waiting)
        return True

    def take(self, now: float) -> tuple[list[Parcel[R, A]], list[Waiting[R, A]], bool]:
        """Requests to make now, rows whose time is up, and whether some row has no destination."""
        routed: defaultdict[str, list[Waiting[R, A]]] = defaultdict(list)
        late: list[Waiting[R, A]] = []
        rest: list[Waiting[R, A]] = []
        lost = False
        for one in self._queue:
            if one.deadline - now < SHORTEST_ATTEMPT_S:
                late.append(one)
            elif one.not_before > now:
                rest.append(one)
            elif (destination := self._route(one.row)) is None:
                rest.append(one)
                lost = True
            else:
                routed[destination].append(one)
        parcels: list[Parcel[R, A]] = []
        for destination, rows in routed.items():
            parcels += self._cut(destination, rows, rest)
        self._queue = rest
        self._rows -= len(late)
        return parcels, late, lost

    def split(self, parcel: Parcel[R, A]) -> tuple[Parcel[R, A], Parcel[R, A]]:
        """Two requests instead of one that was too large; both are under way now."""
        middle = len(parcel.waiting) // 2
        self._under_way[parcel.destination] += 1
        return (
            Parcel(parcel.destination, parcel.waiting[:middle]),
            Parcel(parcel.destination, parcel.waiting[middle:]),
        )

    def settle(self, parcel: Parcel[R, A], answers: Sequence[A]) -> list[tuple[Waiting[R, A], A]]:
        """The request came back; what to tell whom. Rows answered `Elsewhere` or `Open` are asked again."""
        self._ended(parcel)
        told: list[tuple[Waiting[R, A], A]] = []
        for one, answer in zip(parcel.waiting, answers, strict=True):
            if type(answer) in _AGAIN:
                self._queue.append(one)
            else:
                told.append((one, answer))
        self._rows -= len(told)
        return told

    def give_back(self, parcel: Parcel[R, A], now: float) -> None:
        """The request got no answer: its rows are asked again after a pause."""
        self._ended(parcel)
        for one in parcel.waiting:
            one.not_before = now + PAUSE_S
        self._queue += parcel.waiting

    def drain(self) -> list[Waiting[R, A]]:
        """All rows of the queue, which is empty after that."""
        drained, self._queue = self._queue, []
        self._rows -= len(drained)
        return drained

    def _cut(
        self, destination: str, rows: list[Waiting[R, A]], rest: list[Waiting[R, A]]
    ) -> list[Parcel[R, A]]:
        size = self._bounds.rows_per_request
        free = self._bounds.requests - self._under_way[destination]
        parcels = [
            Parcel(destination, rows[begin : begin + size])
            for begin in range(0, min(len(rows), free * size), size)
        ]
        rest += rows[len(parcels) * size :]
        self._under_way[destination] += len(parcels)
        return parcels

    def _ended(self, parcel: Parcel[R, A]) -> None:
        self._under_way[parcel.destination] -= 1
        if not self._under_way[parcel.destination]:
            del self._under_way[parcel.destination]
