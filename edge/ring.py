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
from itertools import accumulate
from typing import Final

import msgspec

from danmaku import wire
from danmaku.envelope import Out
from danmaku.model import START, Position
from danmaku.recalls import Recalled, Redaction, recalls_in

_MAX_SNAPSHOTS: Final = 32
_MAX_RECALLS: Final = 64  # remembered: an answer of history is on its way for seconds at most
_GONE: Final = wire.encode_item(wire.Gone())
_decode: Final = msgspec.msgpack.Decoder(wire.Batch).decode


class Added(Enum):
    SHOWN = "shown"  # the next batch: it is for the viewers now
    DUPLICATE = "duplicate"  # known already
    GAP = "gap"  # something before it is missing; not added


class Batch:
    """One batch; `frame` is the owner's bytes, untouched but for what was recalled since."""

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
        try:
            read = _decode(frame)
        except RecursionError as error:
            raise ValueError("nested too deep") from error
        prev = read.prev.position if read.prev is not None else None
        return cls(Position(read.epoch, read.seq), len(read.items), prev, frame)

    @property
    def last(self) -> Position:
        return Position(self.epoch, self.seq + self.count - 1)

    @property
    def before(self) -> Position:
        """The position it follows."""
        return Position(self.epoch, self.seq - 1) if self.prev is None else self.prev

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
            self._json = self._transcoded(codec)
        return self._json

    def redact(self, redaction: Redaction) -> int:
        """Take out what is recalled; by how many bytes the frame is larger now."""
        if not redaction.touches(Position(self.epoch, self.seq), self.count):
            return 0
        before, self.frame = self.frame, redaction.of(self.frame)
        if self.frame is not before:
            self._json = None
        return len(self.frame) - len(before)

    def _transcoded(self, codec: wire.Codec) -> bytes:
        """Where what is in it cannot be said in this subprotocol, its positions must be told all the same."""
        try:
            return codec.batch(self.frame)
        except ValueError:
            read = _decode(self.frame)
            first = Position(self.epoch, self.seq)
            return codec.batch(wire.encode_batch(read.room, first, read.at, [_GONE] * self.count, self.prev))


class Ring:
    """Bounded in batches and in bytes (of frames; transcoded copies come on top)."""

    def __init__(self, max_batches: int, max_bytes: int, head: Position = START) -> None:
        self.head = head
        self._max_batches = max_batches
        self._max_bytes = max_bytes
        self._batches: list[Batch] = []
        self._bytes = 0
        self._lease = 0
        self._snapshots: dict[tuple[bool, int, int], msgspec.Raw] = {}
        self._recalls: list[Recalled] = []
        self.redaction = Redaction([])
        """Of what was recalled lately: what others told before may still hold it. Another one after each."""

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
        self._clear()
        self._append(batch)

    def skip(self, end: Position) -> None:
        """What is between the head and `end` is lost for good: the ring starts anew behind it."""
        self._clear()
        self.head = end

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

        What comes after `since` where that is here, and whether it is all of it; it ends before the head
        where it would be larger than about `max_bytes`. Otherwise the newest `items`, and whether that
        was all that was asked for.
        """
        if since is not None and self.covers(since):
            begin = self._after(since)
            batches, complete = self.since(since, None, max_bytes)
            return self._encoded(codec, begin, begin + len(batches)), complete
        return self._encoded(codec, self._newest(items, max_bytes), len(self._batches)), since is None

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

    def _encoded(self, codec: wire.Codec, begin: int, end: int) -> msgspec.Raw:
        key = codec.binary, begin, end
        snapshot = self._snapshots.get(key)
        if snapshot is None:
            if len(self._snapshots) == _MAX_SNAPSHOTS:
                self._snapshots.clear()
            snapshot = _history(codec, self._batches[begin:end])
            self._snapshots[key] = snapshot
        return snapshot

    def _clear(self) -> None:
        self._batches.clear()
        self._bytes = 0
        self._snapshots.clear()

    def _append(self, batch: Batch) -> None:
        self._batches.append(batch)
        self._bytes += len(batch.frame)
        self.head = batch.last
        self._snapshots.clear()
        recalls = recalls_in(batch.frame)
        if recalls:
            self._recalls = [*self._recalls, *recalls][-_MAX_RECALLS:]
            self.redaction = Redaction(self._recalls)
            redaction = Redaction(recalls)
            self._bytes += sum(kept.redact(redaction) for kept in self._batches)
        while len(self._batches) > self._max_batches or self._bytes > self._max_bytes:
            self._bytes -= len(self._batches.pop(0).frame)


def _last(batch: Batch) -> Position:
    return batch.last


class Page:
    """Stored batches after `since`, encoded once for all who asked for them at the same time."""

    def __init__(
        self, since: Position, frames: Sequence[bytes], head: Position, complete: bool, max_bytes: int
    ) -> None:
        """One batch at least, and no more than about `max_bytes`. Raises ValueError on a bad frame."""
        self.head = head
        self._since = since
        self._max_bytes = max_bytes
        self._batches = [Batch.of_frame(frame) for frame in frames[: _fitting(frames, max_bytes)]]
        self.complete = complete and len(self._batches) == len(frames)
        self._histories: dict[bool, msgspec.Raw] = {}
        self._caught_up = START
        self._bridges: dict[bool, tuple[Position, tuple[msgspec.Raw, bool] | None]] = {}

    def catch_up(self, ring: Ring) -> None:
        """Take out what was recalled while this was on its way, as the ring of the room tells."""
        if self._caught_up != ring.head:
            self._caught_up = ring.head
            redaction = ring.redaction
            if sum(batch.redact(redaction) != 0 for batch in self._batches):
                self._histories.clear()

    def history(self, codec: wire.Codec) -> msgspec.Raw:
        history = self._histories.get(codec.binary)
        if history is None:
            history = self._histories[codec.binary] = _history(codec, self._batches)
        return history

    def bridge(self, ring: Ring, codec: wire.Codec) -> tuple[msgspec.Raw, bool] | None:
        """What a joiner at `since` gets: these, what the ring holds after them, and whether that is all.

        Where something after `since` is no longer kept it is not; what is kept is given all the same. None
        when there is nothing to give.
        """
        head, bridge = self._bridges.get(codec.binary, (None, None))
        if head != ring.head:
            self.catch_up(ring)
            bridge = self._bridge(ring, codec)
            self._bridges[codec.binary] = ring.head, bridge
        return bridge

    def _bridge(self, ring: Ring, codec: wire.Codec) -> tuple[msgspec.Raw, bool] | None:
        position, whole = self._since, True
        for batch in self._batches:
            whole = whole and batch.continues(position)
            position = batch.last
        if not ring.covers(position):
            return (_history(codec, self._batches), False) if self._batches else None
        left = self._max_bytes - sum(len(batch.frame) for batch in self._batches)
        rest, complete = ring.since(position, None, left) if left > 0 else ([], position >= ring.head)
        return _history(codec, self._batches + rest), whole and complete


def _fitting(frames: Sequence[bytes], max_bytes: int) -> int:
    """How many of them make up `max_bytes`, but one at least."""
    total = accumulate(len(frame) for frame in frames)
    return max(1, sum(size <= max_bytes for size in total))


def _history(codec: wire.Codec, batches: Sequence[Batch]) -> msgspec.Raw:
    return codec.history([batch.encoded(codec) for batch in batches])
