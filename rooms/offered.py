"""What one room offers to its log: one batch at a time, the very same one until it is stored. Pure.

An append whose outcome is unknown may have happened. So there is one append at a time, and until it is known
to be stored the very same batch is offered again; only then is anything else numbered.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from config import settings as config
from danmaku.board import EMPTY, Board
from danmaku.model import Act, Effect, Position, RoomInfo
from danmaku.recalls import Recalled
from danmaku.store.recalls import Recalling
from rooms import batch
from rooms.accepted import Accepted
from rooms.batch import Batch

W = TypeVar("W")


class Stored(NamedTuple, Generic[W]):
    """batch: which is in the log now. items: of it, in order."""

    batch: Batch
    items: list[Accepted[W]]


class Offered(Generic[W]):
    """Under one lease. `head` is that of what is known to be stored.

    What was chosen is numbered when it is offered, and never before: its place follows from `head` alone.
    """

    __slots__ = ("_batch", "_chosen", "_in_flight", "_items", "_lease", "_limits", "_uncertain", "head")

    def __init__(self, lease: int, head: Position, limits: config.Rooms) -> None:
        self.head = head
        self._lease = lease
        self._limits = limits
        self._chosen: deque[Accepted[W]] = deque()
        self._batch: Batch | None = None
        self._items: list[Accepted[W]] = []
        self._in_flight = False
        self._uncertain = False

    def __bool__(self) -> bool:
        """Whether something waits to be offered, or for the outcome of an append."""
        return bool(self._chosen or self._batch)

    @property
    def in_flight(self) -> bool:
        """Whether an append is under way."""
        return self._in_flight

    @property
    def wants_more(self) -> bool:
        """Whether what is cut next is numbered anew."""
        return self._batch is None

    @property
    def in_doubt(self) -> bool:
        """Whether the batch that was cut last may be in the log unbeknown to this owner."""
        return self._in_flight or self._uncertain

    def add(self, chosen: list[Accepted[W]]) -> None:
        """To be offered behind what was chosen before."""
        self._chosen += chosen

    def cut(self, info: RoomInfo, board: Board, at: int, *, saved: bool) -> Batch | None:
        """The batch to be appended now: what is offered already, or as much as fits of what was chosen."""
        if self._batch is None and self._chosen:
            self._items = self._fitting()
            self._batch = self._number(info, board, at, saved=saved)
        self._in_flight = self._batch is not None
        return self._batch

    def unknown(self) -> None:
        """It is not known whether the batch was stored."""
        self._uncertain = self.in_doubt
        self._in_flight = False

    def refused(self) -> None:
        """This time the batch was not stored."""
        self._in_flight = False

    def stored(self) -> Stored[W] | None:
        """The batch of the last cut is in the log; None where there is none."""
        if self._batch is None:
            return None
        stored = Stored(self._batch, self._items)
        self.head = self._batch.last
        self._batch, self._items = None, []
        self._in_flight = self._uncertain = False
        return stored

    def _fitting(self) -> list[Accepted[W]]:
        sizes = (len(accepted.item) for accepted in self._chosen)
        fitting = batch.fitting(sizes, self._limits.batch_items, self._limits.batch_bytes)
        return [self._chosen.popleft() for _ in range(fitting)]

    def _number(self, info: RoomInfo, board: Board, at: int, *, saved: bool) -> Batch:
        first = batch.after(self.head, self._lease)
        return batch.number(
            info.room,
            self.head,
            self._lease,
            at,
            [accepted.item for accepted in self._items],
            [accepted.key for accepted in self._items],
            _effect(self._items) or (None if saved else Effect("create", info)),
            _acts(self._items),
            _board(self._items, board, first, at),
            next((one.decided.held for one in self._items if one.decided), None),
            _recalling(self._items, first),
        )


def _effect(items: Sequence[Accepted[Any]]) -> Effect | None:
    """What becomes of the state with these: the last item that has an effect tells."""
    return next((one.effect for one in reversed(items) if one.effect is not None), None)


def _acts(items: Sequence[Accepted[Any]]) -> tuple[Act, ...]:
    """Of moderation, which are written down with these."""
    acts: list[Act] = []
    for accepted in items:
        if accepted.effect is not None:
            acts += accepted.effect.acts
        if accepted.decided is not None:
            acts.append(accepted.decided.act)
        if accepted.act is not None:
            acts.append(accepted.act)
    return tuple(acts)


def _board(items: Sequence[Accepted[Any]], before: Board, first: Position, at: int) -> Board | None:
    """What is kept in view from these on; None where that does not change."""
    board = before
    for index, accepted in enumerate(items):
        if accepted.effect is not None and accepted.effect.verb == "delete":
            board = EMPTY  # and stays so, whatever came a moment too late
            break
        if accepted.change is not None:
            board = accepted.change(board, Position(first.epoch, first.seq + index), at)
    return None if board is before else board


def _recalling(items: Sequence[Accepted[Any]], first: Position) -> Recalling | None:
    """The recall among these: one at most, since changes follow each other."""
    for index, accepted in enumerate(items):
        if accepted.recall is not None:
            recall, instead_of = accepted.recall
            return Recalling(Recalled(Position(first.epoch, first.seq + index), recall), instead_of)
    return None
