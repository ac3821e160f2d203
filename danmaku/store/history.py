"""The log of a room: its batches, appended under the lease's fence and read back by anybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import msgspec
from msgspec.structs import replace

from danmaku.board import Board
from danmaku.held import Held
from danmaku.model import Act, Effect, Position
from danmaku.recalls import Recalled, Redaction
from danmaku.store.recalls import Recalling
from danmaku.wire import At


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One stored batch.

    last: the position of its last item, and its id in the log.
    frame: the finished `batch` frame, as viewers got it.
    pairs: (uid, cid, seq) of its items that had a cid, so that a new owner answers repeats alike.
    """

    last: Position
    count: int
    at: int
    frame: bytes
    pairs: tuple[tuple[str, str, int], ...] = ()

    @property
    def first(self) -> Position:
        return Position(self.last.epoch, self.last.seq - self.count + 1)

    def continues(self, position: Position) -> bool:
        """Whether nothing can be missing between `position` and this entry."""
        if self.last.epoch == position.epoch:
            return self.first.seq <= position.seq + 1
        return predecessor(self.frame) == position


class Append(msgspec.Struct, frozen=True, gc=False):
    """An entry to append: only while (process, lease epoch) holds the lease and the head is `expected`.

    effect, recalling: are carried out in the same step, and only if the entry is appended in it. acts: are
    written down likewise, and decided: is kept, what became of a held comment that it shows. board: takes the
    place of the one before, likewise.
    """

    room: str
    lease: int
    expected: Position
    entry: Entry
    effect: Effect | None = None
    acts: tuple[Act, ...] = ()
    recalling: Recalling | None = None
    decided: Held | None = None
    board: Board | None = None


class Outcome(Enum):
    OK = "ok"  # appended now, or this very entry already was the head
    FENCED = "fenced"  # somebody else holds the lease; nothing was written
    MISMATCH = "mismatch"  # the head is another one; nothing was written


class Appended(msgspec.Struct, frozen=True, gc=False):
    outcome: Outcome
    head: Position  # the log's head after the call; (0, 0) when it is empty


@dataclass(frozen=True, slots=True)
class Slice:
    """Entries oldest first. `complete` is False where `since` is older than what is kept, or more follows.

    recalls: what is recalled of the log, be it in these entries or not.
    """

    entries: tuple[Entry, ...]
    complete: bool
    head: Position
    recalls: tuple[Recalled, ...] = ()

    def frames(self) -> list[bytes]:
        """What may be shown of the entries: without what is recalled of them."""
        return [entry.frame for entry in self._shown(self.entries)]

    def newest(self) -> Entry | None:
        """The last entry, without what is recalled of it."""
        return next(iter(self._shown(self.entries[-1:])), None)

    def _shown(self, entries: tuple[Entry, ...]) -> list[Entry]:
        redaction = Redaction(self.recalls)
        return [
            replace(entry, frame=redaction.of(entry.frame))
            if redaction.touches(entry.first, entry.count)
            else entry
            for entry in entries
        ]


class _Batch(msgspec.Struct, gc=False):
    """Of a frame, only what names its predecessor."""

    prev: At | None = None


_batch = msgspec.msgpack.Decoder(_Batch)


def predecessor(frame: bytes) -> Position | None:
    """The head before an epoch's first batch, as its frame says; None in all others."""
    try:
        prev = _batch.decode(frame).prev
    except (msgspec.DecodeError, RecursionError):
        return None  # not a batch of ours: nothing is known
    return prev.position if prev else None


def follows_on(entries: Sequence[Entry], since: Position, head: Position) -> bool:
    """Whether `entries` hold everything between `since` and `head`."""
    at = since
    for entry in entries:
        if not entry.continues(at):
            return False
        at = entry.last
    return at == head


class HistoryLog(Protocol):
    """All methods raise StoreDown when the outcome is unknown or the store is away."""

    async def append(self, process: str, appends: list[Append]) -> list[Appended | Exception]:
        """One pipelined write for all rooms; one outcome each, a StoreDown where that one alone is unknown.

        Entries beyond the kept count or age are trimmed as new ones come; the log itself is never deleted.
        """

    async def head(self, room: str) -> Position:
        """The position of the newest item, (0, 0) when there is none."""

    async def heads(self, rooms: list[str]) -> list[Position]:
        """The same of many rooms, in one round trip."""

    async def latest(self, room: str, items: int, max_bytes: int, before: Position | None = None) -> Slice:
        """The newest whole entries that hold at least `items` items, or all there are within `max_bytes`.

        With `before`, the newest of those whose last item stands before it. At least one where there is
        one and `items` is not 0. Always `complete`: no start was asked for.
        """

    async def after(self, room: str, since: Position, items: int, max_bytes: int) -> Slice:
        """Entries that hold anything after `since`, oldest first, until `items` or `max_bytes` is reached.

        At least one where there is one and `items` is not 0; bytes are those of the frames.
        `complete` is True only when nothing between `since` and the head is missing from the answer:
        each entry continues the one before (the first one `since`) in its epoch, or names it as its
        predecessor (`prev` in its frame), and the last entry is the head.
        """
