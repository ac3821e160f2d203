"""One room at this edge: what to show when. Pure.

What continues the ring is shown at once. What does not is held back, within the ring's own bounds, so
that viewers get everything in order once history has brought the missing part. What history no longer
has, viewers are told to skip: thousands of them would ask for it in vain. If history does not answer,
they get what there is and see the gap themselves.
"""

from __future__ import annotations

from collections.abc import Sequence

from danmaku import wire
from danmaku.envelope import Out, OutKind
from danmaku.model import Position
from edge.ring import Added, Batch, Ring

_SAME_STATS = 2  # repeats of equal statistics that are shown, for those who missed the first
_SAME_STATS_EVERY = 10  # of the others: a viewer hears something before its heartbeat is due

Shown = Batch | wire.Skip | Out
"""A batch, what is lost for good, or the statistics or notice of an Out, for the viewers now."""


class Feed:
    """`behind`: something is missing; ask history for what is after `ring.head`.

    unsure: something may be missing, until the next word of the owner tells.
    """

    __slots__ = (
        "_begun", "_held", "_held_bytes", "_max_batches", "_max_bytes", "_repeats", "_stats",
        "behind", "ring", "room", "unsure",
    )  # fmt: skip

    def __init__(self, room: str, max_batches: int, max_bytes: int) -> None:
        self.room = room
        self.ring = Ring(max_batches, max_bytes)
        self.behind = True
        self.unsure = False
        self._begun = False
        self._max_batches = max_batches
        self._max_bytes = max_bytes
        self._held: list[Out] = []
        self._held_bytes = 0
        self._stats = b""
        self._repeats = 0

    def begin(self, frames: Sequence[bytes], head: Position) -> list[Shown]:
        """The newest part of history, asked for after the subscription. Raises ValueError on a bad frame."""
        if self._begun:  # so much came before it that not all could be held back
            newest = [shown for frame in frames for shown in self._add(Batch.of_frame(frame))]
            return newest + self.resume()
        self._begun = True
        self.ring.head = head
        for number, batch in enumerate([Batch.of_frame(frame) for frame in frames]):
            if number == 0 or self.ring.add(batch) is Added.GAP:
                self.ring.jump(batch)
        return self._settled(head)

    def take(self, out: Out) -> list[Shown]:
        """Something the owner said. Raises ValueError where its frame is not what its header says: it is as
        good as lost then."""
        _check(out)
        waits = bool(self._held) and out.kind is not OutKind.BATCH  # for its turn
        if not self._begun or waits or not self._fits(out):
            return self._hold(out)
        if out.kind is not OutKind.BATCH:
            self.unsure = False
        shown = self._pass(out)
        return shown + self._settled(self.ring.head) if self._held else shown

    def hear(self, head: Position) -> None:
        """Where the owner says that the room stands."""
        self.unsure = False
        if head > self.ring.head:
            self.behind = True

    def doubt(self) -> None:
        """Something may have been missed."""
        self.unsure = True

    def mend(self, frames: Sequence[bytes], head: Position) -> list[Shown]:
        """A page of history after `ring.head`, and its head. Raises ValueError on a bad frame.

        `behind` still where that was not all.
        """
        shown: list[Shown] = []
        for batch in [Batch.of_frame(frame) for frame in frames]:
            if not batch.continues(self.ring.head) and batch.last > self.ring.head:
                shown += self._skip(batch.before)
            shown += self._add(batch)
        if not frames:  # it has nothing up to its own head any more
            shown += self._skip(min([head, *(batch.before for batch in self._held_batches())]))
        return shown + self._settled(head)

    def resume(self) -> list[Shown]:
        """No longer wait for history: what was held back, be there gaps or not."""
        self._begun = True
        self.behind = False
        held, self._held, self._held_bytes = self._held, [], 0
        return [shown for out in held for shown in self._pass(out)]

    def _settled(self, head: Position) -> list[Shown]:
        """What was held back and continues now; is anything still missing up to `head`, or between?"""
        shown: list[Shown] = []
        held: list[Out] = []
        waiting = self._held
        while len(held) != len(waiting):  # what came late may be what others before it wait for
            held, waiting = waiting, []
            for out in held:
                if self._fits(out):
                    shown += self._pass(out)
                else:
                    waiting.append(out)
        self._held = waiting
        self._held_bytes = sum(len(one.frame) for one in waiting)
        self.behind = bool(self._held) or self.ring.head < head
        self.unsure = False
        return shown

    def _fits(self, out: Out) -> bool:
        """Whether nothing is missing before it, or it is not to be shown at all."""
        if self.ring.is_stale(out.lease):
            return True
        if out.kind is not OutKind.BATCH:
            return out.first <= self.ring.head
        batch = Batch.of_out(out)
        return batch.last <= self.ring.head or batch.continues(self.ring.head)

    def _pass(self, out: Out) -> list[Shown]:
        """Show it where it is news."""
        if self.ring.is_stale(out.lease):
            return []
        if out.kind is OutKind.BATCH:
            return self._add(Batch.of_out(out))
        return [out] if out.kind is not OutKind.STATS or self._is_news(out.frame) else []

    def _is_news(self, stats: bytes) -> bool:
        """Whether viewers are told: in a quiet room nothing else costs anything."""
        if stats != self._stats:
            self._stats, self._repeats = stats, 0
            return True
        self._repeats += 1
        return self._repeats <= _SAME_STATS or self._repeats % _SAME_STATS_EVERY == 0

    def _add(self, batch: Batch) -> list[Shown]:
        """Show it if it is new, be there a gap before it or not."""
        added = self.ring.add(batch)
        if added is Added.DUPLICATE:
            return []
        if added is Added.GAP:
            self.ring.jump(batch)
        return [batch]

    def _skip(self, end: Position) -> list[Shown]:
        """Nobody has what comes after the ring's head up to `end` any more."""
        head = self.ring.head
        if end <= head or end.seq == 0:
            return []
        self.ring.skip(end)
        if end.epoch == head.epoch:
            return [wire.Skip(self.room, end.epoch, head.seq + 1, end.seq)]
        return [wire.Skip(self.room, end.epoch, 1, end.seq, wire.At.of(head))]

    def _held_batches(self) -> list[Batch]:
        batches = (Batch.of_out(out) for out in self._held if out.kind is OutKind.BATCH)
        return [batch for batch in batches if batch.last > self.ring.head]

    def _hold(self, out: Out) -> list[Shown]:
        self.behind = True
        self._held.append(out)
        self._held_bytes += len(out.frame)
        if len(self._held) > self._max_batches or self._held_bytes > self._max_bytes:
            return self.resume()
        return []


def left_out(room: str, batches: Sequence[Batch]) -> list[wire.Skip]:
    """What viewers are told instead of these batches; what is missing between them is still to be found."""
    skips: list[wire.Skip] = []
    for batch in batches:
        last = batch.last.seq
        if skips and batch.epoch == skips[-1].epoch and batch.seq <= skips[-1].to + 1:
            skips[-1].to = last
        else:
            prev = None if batch.prev is None else wire.At.of(batch.prev)
            skips.append(wire.Skip(room, batch.epoch, batch.seq, last, prev))
    return skips


def _check(out: Out) -> None:
    """Raises ValueError."""
    if out.kind is not OutKind.BATCH:
        kind = wire.Stats if out.kind is OutKind.STATS else wire.Notice | wire.Aside
        if not all(isinstance(frame, kind) for frame in wire.MSGPACK.decode_server(out.frame)):
            raise ValueError("the frame is of another kind")
        return
    batch = Batch.of_frame(out.frame)
    if (batch.epoch, batch.seq, batch.count, batch.prev) != (*out.first, out.count, out.prev):
        raise ValueError("the frame holds another batch")
