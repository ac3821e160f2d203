"""The log of a room, as its owner writes it."""

from __future__ import annotations

import msgspec

from danmaku.model import Position
from danmaku.store import Store
from danmaku.store.history import Append, Appended, Entry, Outcome
from danmaku.subjects import partition_of
from danmaku.wire import At, Batch
from tests.contract.stores import ROOM, take

PLENTY = 1 << 20


def entry(
    last: Position, count: int = 1, at: int = 1000, prev: Position | None = None, size: int = 0
) -> Entry:
    """A batch as an owner would store it. `prev` is set in the first of an epoch."""
    items = [msgspec.Raw(msgspec.msgpack.encode({"k": "c", "text": "x" * size})) for _ in range(count)]
    batch = Batch(
        room=ROOM,
        epoch=last.epoch,
        seq=last.seq - count + 1,
        at=at,
        items=items,
        prev=None if prev is None else At.of(prev),
    )
    pairs = tuple(("uid", f"c{seq}", seq) for seq in range(last.seq - count + 1, last.seq + 1))
    return Entry(last, count, at, msgspec.msgpack.encode(batch), pairs)


class Owner:
    """An owner of the room's partition that appends one batch after another."""

    def __init__(self, store: Store, process: str, epoch: int, head: Position) -> None:
        self._store = store
        self.process = process
        self.epoch = epoch
        self.head = head

    @classmethod
    async def take(cls, store: Store, process: str = "one", room: str = ROOM) -> Owner:
        return cls(store, process, await take(store, room, process), await store.history.head(room))

    async def release(self) -> None:
        await self._store.leases.release({partition_of(ROOM): self.epoch}, self.process)

    def next(self, count: int = 1, at: int = 1000, size: int = 0) -> Append:
        first = self.head.epoch != self.epoch
        last = Position(self.epoch, count if first else self.head.seq + count)
        made = entry(last, count, at, self.head if first else None, size)
        return Append(ROOM, self.epoch, self.head, made)

    async def append(self, count: int = 1, at: int = 1000, size: int = 0) -> Entry:
        append = self.next(count, at, size)
        outcome = await one(self._store, self.process, append)
        assert outcome == Appended(Outcome.OK, append.entry.last)
        self.head = append.entry.last
        return append.entry


async def one(store: Store, process: str, append: Append) -> Appended:
    (outcome,) = await store.history.append(process, [append])
    assert isinstance(outcome, Appended)
    return outcome
