"""Numbering: items become one batch that continues the room's log. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from danmaku import wire
from danmaku.board import Board
from danmaku.held import Held
from danmaku.model import Act, Effect, Position
from danmaku.store.history import Append, Entry
from danmaku.store.recalls import Recalling
from rooms.dedupe import Key


class Batch(msgspec.Struct, frozen=True, gc=False):
    """What is stored and shown as one.

    head: the position it comes after.
    prev: the same, in the first batch of an epoch; None in all others.
    frame: the finished client frame.
    pairs: (uid, cid, seq) of the items that have a cid.
    effect: what becomes of the room's state with it. acts: of moderation, of which its items tell.
    board: what the room keeps in view from it on, where that changes.
    decided: what became of a held comment that it shows.
    recalling: the recall among its items, as it is kept.
    """

    room: str
    head: Position
    first: Position
    count: int
    at: int
    prev: Position | None
    frame: bytes
    pairs: tuple[tuple[str, str, int], ...]
    effect: Effect | None = None
    acts: tuple[Act, ...] = ()
    board: Board | None = None
    decided: Held | None = None
    recalling: Recalling | None = None

    @property
    def last(self) -> Position:
        return Position(self.first.epoch, self.first.seq + self.count - 1)

    def append(self, lease: int) -> Append:
        """As the store takes it from whoever holds the lease."""
        entry = Entry(self.last, self.count, self.at, self.frame, self.pairs)
        return Append(
            *(self.room, lease, self.head, entry, self.effect, self.acts),
            decided=self.decided,
            recalling=self.recalling,
            board=self.board,
        )


def fitting(sizes: Iterable[int], max_items: int, max_bytes: int) -> int:
    """How many items of these sizes, from the first on, make one batch. At least one where there is one."""
    count = total = 0
    for size in sizes:
        total += size
        if count == max_items or (count and total > max_bytes):
            break
        count += 1
    return count


def after(head: Position, epoch: int) -> Position:
    """Where what comes after `head` begins, in `epoch`, which is that of `head` or a later one."""
    return Position(epoch, head.seq + 1 if head.epoch == epoch else 1)


def number(
    room: str,
    head: Position,
    epoch: int,
    at: int,
    items: Sequence[bytes],
    keys: Sequence[Key | None],
    effect: Effect | None = None,
    acts: tuple[Act, ...] = (),
    board: Board | None = None,
    decided: Held | None = None,
    recalling: Recalling | None = None,
) -> Batch:
    """The batch of `items` after `head`, numbered in `epoch`, which is that of `head` or a later one."""
    first = after(head, epoch)
    prev = head if head.epoch != epoch else None
    pairs = tuple((*key, first.seq + index) for index, key in enumerate(keys) if key is not None)
    frame = wire.encode_batch(room, first, at, items, prev)
    told = pairs, effect, acts, board, decided, recalling
    return Batch(room, head, first, len(items), at, prev, frame, *told)
