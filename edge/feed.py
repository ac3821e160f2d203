"""One room at this edge: what to show when. Pure.

While something is missing (at the beginning, and after a gap) what arrives is held back, within the
ring's own bounds, so that viewers get everything in order once history has brought the missing part.
If history cannot, they get what there is and see the gap themselves.
"""

from __future__ import annotations

from collections.abc import Sequence

from danmaku.envelope import Out, OutKind
from danmaku.model import START, Position
from edge.ring import Added, Batch, Ring

_SAME_STATS = 2  # repeats of equal statistics that are shown, for those who missed the first
_SAME_STATS_EVERY = 5  # of the others

Shown = Batch | Out
"""A batch, or the statistics or notice of an Out, for the viewers now."""


class Feed:
    """`behind`: something is missing; ask history for what is after `ring.head`."""

    __slots__ = (
        "_held", "_held_bytes", "_max_batches", "_max_bytes", "_repeats", "_stats", "behind", "ring", "room"
    )  # fmt: skip

    def __init__(self, room: str, max_batches: int, max_bytes: int) -> None:
        self.room = room
        self.ring = Ring(max_batches, max_bytes)
        self.behind = True
        self._max_batches = max_batches
        self._max_bytes = max_bytes
        self._held: list[Out] = []
        self._held_bytes = 0
        self._stats = b""
        self._repeats = 0

    def begin(self, frames: Sequence[bytes], head: Position) -> list[Shown]:
        """The newest part of history, asked for after the subscription. Raises ValueError on a bad frame."""
        if self.ring.head > START:  # so much came before it that not all could be held back
            return self.mend(frames) + self.resume()
        self.ring.head = head
        for number, batch in enumerate([Batch.of_frame(frame) for frame in frames]):
            if number == 0 or self.ring.add(batch) is Added.GAP:
                self.ring.jump(batch)
        return self.resume()

    def take(self, out: Out) -> list[Shown]:
        """Something the owner said."""
        if self.behind:
            return self._hold(out)
        return self._show(out, patient=True)

    def mend(self, frames: Sequence[bytes]) -> list[Shown]:
        """A page of history after `ring.head`. Raises ValueError on a bad frame."""
        return [batch for frame in frames for batch in self._add(Batch.of_frame(frame))]

    def resume(self) -> list[Shown]:
        """History gave all it could: now what was held back meanwhile."""
        self.behind = False
        held, self._held, self._held_bytes = self._held, [], 0
        return [shown for out in held for shown in self._show(out, patient=False)]

    def _show(self, out: Out, *, patient: bool) -> list[Shown]:
        ring = self.ring
        if ring.is_stale(out.lease):
            return []
        if out.kind is not OutKind.BATCH:
            if patient and out.first > ring.head:
                return self._fall_behind(out)
            return [out] if out.kind is not OutKind.STATS or self._is_news(out.frame) else []
        batch = Batch.of_out(out)
        if not patient:
            return self._add(batch)
        added = ring.add(batch)
        if added is Added.GAP:
            return self._fall_behind(out)
        return [batch] if added is Added.SHOWN else []

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

    def _fall_behind(self, out: Out) -> list[Shown]:
        self.behind = True
        return self._hold(out)

    def _hold(self, out: Out) -> list[Shown]:
        self._held.append(out)
        self._held_bytes += len(out.frame)
        if len(self._held) > self._max_batches or self._held_bytes > self._max_bytes:
            return self.resume()
        return []
