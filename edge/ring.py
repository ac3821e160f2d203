"""A room's recent batches, from which joins, history and gaps are served. Pure.

Why it is hard: batches come twice, too late, from an owner that was replaced, or not at all, and yet
every viewer must get each position once and in order. Two facts decide: within an epoch `seq` is
contiguous, and the first batch of an epoch names the head before it in `prev`. So a batch continues
the ring if it holds the next `seq`, or names a position that the ring has reached. What the ring
holds is always without holes: where one cannot be closed, the ring starts anew behind it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from enum import Enum
from typing import Final

import msgspec

from danmaku import wire
from danmaku.envelope import Out
from danmaku.model import START, Position

_MAX_SNAPSHOTS: Final = 32
_decode: Final = msgspec.msgpack.Decoder(wire.Batch).decode


class Added(Enum):
    SHOWN = "shown"  # the next batch: it is for the viewers now
    DUPLICATE = "duplicate"  # known already
    GAP = "gap"  # something before it is missing; not added


class Batch:
    """One batch; `frame` is the owner's bytes, untouched."""

    __slots__ = ("_json", "count", "epoch", "frame", "prev", "seq")

    def __init__(self, first: Position, count: int, prev: Position | None, frame: bytes) -> None:
        self.epoch, self.seq = first
        self.count = count
        self.prev = prev
        self.frame = frame
        self._json: bytes | None = None

    @classmethod
    def of_out(cls, out: Out) -> Batch:
        return cls(out.first, out.count, out.prev, out.frame)

    @classmethod
    def of_frame(cls, frame: bytes) -> Batch:
        """A batch as history stores it. Raises ValueError."""
        read = _decode(frame)
        prev = read.prev.position if read.prev is not None else None
        return cls(Position(read.epoch, read.seq), len(read.items), prev, frame)

    @property
    def last(self) -> Position:
        return Position(self.epoch, self.seq + self.count - 1)

    def continues(self, position: Position) -> bool:
        """Whether a reader at `position` misses nothing by reading this next."""
        if self.epoch == position.epoch:
            return self.seq <= position.seq + 1
        return self.epoch > position.epoch and self.prev is not None and self.prev <= position

    def encoded(self, codec: wire.Codec) -> bytes:
        """The frame in this subprotocol; JSON is made once, when it is first wanted."""
        if codec.binary:
            return self.frame
        if self._json is None:
            self._json = codec.batch(self.frame)
        return self._json


class Ring:
    """Bounded in batches and in bytes (of frames; transcoded copies come on top)."""

    def __init__(self, max_batches: int, max_bytes: int, head: Position = START) -> None:
        self.head = head
        self._max_batches = max_batches
        self._max_bytes = max_bytes
        self._batches: list[Batch] = []
        self._bytes = 0
        self._lease = 0
        self._snapshots: dict[tuple[bool, int], msgspec.Raw] = {}

    @property
    def size_bytes(self) -> int:
        return self._bytes

    def __len__(self) -> int:
        return len(self._batches)

    def is_stale(self, lease: int) -> bool:
        """Whether a newer owner than that of `lease` was heard; remembers the newest."""
        if lease < self._lease:
            return True
        self._lease = lease
        return False

    def add(self, batch: Batch) -> Added:
        if batch.last <= self.head:
            return Added.DUPLICATE
        if not batch.continues(self.head):
            return Added.GAP
        self._append(batch)
        return Added.SHOWN

    def jump(self, batch: Batch) -> None:
        """Take a batch although something before it is missing: the ring starts anew with it."""
        self._batches.clear()
        self._bytes = 0
        self._append(batch)

    def covers(self, position: Position) -> bool:
        """Whether a reader at `position` can be brought to the head without missing anything."""
        begin = self._after(position)
        if begin == len(self._batches):
            return position >= self.head
        return self._batches[begin].continues(position)

    def since(self, position: Position, items: int | None, max_bytes: int) -> tuple[list[Batch], bool]:
        """Batches that hold anything after `position`, oldest first, until `items` or `max_bytes` is reached.

        True when nothing between `position` and the head is missing from them.
        """
        begin = end = self._after(position)
        count = size = 0
        for batch in self._batches[begin:]:
            size += len(batch.frame)
            if count and (size > max_bytes or (items is not None and count >= items)):
                return self._batches[begin:end], False
            count += batch.count
            end += 1
        return self._batches[begin:], self.covers(position)

    def snapshot(
        self, codec: wire.Codec, since: Position | None, items: int, max_bytes: int
    ) -> tuple[msgspec.Raw, bool]:
        """The list of batches for a joiner, encoded once for all who join until the ring changes.

        Everything after `since` where that can be had, and True; otherwise the newest `items`, and
        whether that was all that was asked for. A snapshot is never larger than about `max_bytes`.
        """
        newest = self._newest(items, max_bytes)
        if since is None:
            return self._encoded(codec, newest), True
        if self.covers(since):
            begin = self._after(since)
            if sum(len(batch.frame) for batch in self._batches[begin:]) <= max_bytes:
                return self._encoded(codec, begin), True
        return self._encoded(codec, newest), False

    def _after(self, position: Position) -> int:
        """Index of the first batch that holds anything after `position`."""
        return bisect_right(self._batches, position, key=_last)

    def _newest(self, items: int, max_bytes: int) -> int:
        """Index from which the newest batches hold `items` items, or all there are within `max_bytes`."""
        begin = len(self._batches)
        count = size = 0
        while begin and count < items:
            batch = self._batches[begin - 1]
            size += len(batch.frame)
            if count and size > max_bytes:
                break
            begin -= 1
            count += batch.count
        return begin

    def _encoded(self, codec: wire.Codec, begin: int) -> msgspec.Raw:
        key = codec.binary, begin
        snapshot = self._snapshots.get(key)
        if snapshot is None:
            if len(self._snapshots) == _MAX_SNAPSHOTS:
                self._snapshots.clear()
            snapshot = _history(codec, self._batches[begin:])
            self._snapshots[key] = snapshot
        return snapshot

    def _append(self, batch: Batch) -> None:
        self._batches.append(batch)
        self._bytes += len(batch.frame)
        self.head = batch.last
        self._snapshots.clear()
        while len(self._batches) > self._max_batches or self._bytes > self._max_bytes:
            self._bytes -= len(self._batches.pop(0).frame)


def _last(batch: Batch) -> Position:
    return batch.last


class Page:
    """Stored batches after `since`, encoded once for all who asked for them at the same time."""

    def __init__(self, since: Position, frames: Sequence[bytes], head: Position, complete: bool) -> None:
        """Raises ValueError on a bad frame."""
        self.head = head
        self.complete = complete
        self._since = since
        self._batches = [Batch.of_frame(frame) for frame in frames]
        self._histories: dict[bool, msgspec.Raw] = {}
        self._bridges: dict[bool, tuple[Position, msgspec.Raw | None]] = {}

    def history(self, codec: wire.Codec) -> msgspec.Raw:
        history = self._histories.get(codec.binary)
        if history is None:
            history = self._histories[codec.binary] = _history(codec, self._batches)
        return history

    def bridge(self, ring: Ring, codec: wire.Codec, max_bytes: int) -> msgspec.Raw | None:
        """What a joiner at `since` gets when these lead from there to what the ring holds.

        None when something between them is missing.
        """
        head, history = self._bridges.get(codec.binary, (None, None))
        if head != ring.head:
            history = self._bridge(ring, codec, max_bytes)
            self._bridges[codec.binary] = ring.head, history
        return history

    def _bridge(self, ring: Ring, codec: wire.Codec, max_bytes: int) -> msgspec.Raw | None:
        position = self._since
        for batch in self._batches:
            if not batch.continues(position):
                return None
            position = batch.last
        rest, complete = ring.since(position, None, max_bytes)
        return _history(codec, self._batches + rest) if complete else None


def _history(codec: wire.Codec, batches: Sequence[Batch]) -> msgspec.Raw:
    return codec.history([batch.encoded(codec) for batch in batches])
