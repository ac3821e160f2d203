"""Where a reader stands in a room, and what it may show next.

Batches may come twice, late or never, and the room's owner may change under way. The reader shows
each item once and in order all the same: what continues its position is shown at once, what does
not is held (up to a bound) until the gap before it has been pulled. It knows no clock and no
socket, so every client can mirror it.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from danmaku.model import START, Position
from danmaku.wire import Batch, Skip


class Placed(NamedTuple):
    """One item with its place; `item` is still encoded as the subprotocol has it."""

    position: Position
    at: int
    item: msgspec.Raw


class RoomReader:
    """The recovery protocol of one room.

    position: the last position that was shown, skipped or given up.
    missed: at least so many items were lost for good, because nobody keeps them any more.
    skipped: so many items the edge left out because it could not show them in time.

    Without a `position` the reader starts wherever the first join says; with one it resumes there.
    Not thread-safe; never raises.
    """

    def __init__(self, position: Position | None = None, *, hold_items: int = 2000) -> None:
        self.position = START if position is None else position
        self.missed = 0
        self.skipped = 0
        self._started = position is not None
        self._head = self.position
        self._held: list[Batch | Skip] = []
        self._hold_items = hold_items

    @property
    def since(self) -> Position | None:
        """What to say when joining again; None before the first join."""
        return self.position if self._started else None

    @property
    def gap(self) -> Position | None:
        """After which position something is missing, to be asked for as `since`; None without a gap."""
        return self.position if self._started and self.position < self._head else None

    def take(self, frame: Batch | Skip) -> list[Placed]:
        """A frame as it came; returns what may be shown now. Ask `gap` afterwards."""
        if self._is_seen(frame):
            return []
        self._head = max(self._head, _last(frame))
        if not (self._started and self._continues(frame)):
            self._hold(frame)
            return []
        return [*self._show(frame), *self._show_held()]

    def stats(self, head: Position) -> None:
        """The room's newest position, as `stats` or a join tells it. Ask `gap` afterwards."""
        self._head = max(self._head, head)

    def joined(
        self, since: Position | None, head: Position, batches: Iterable[Batch], *, complete: bool
    ) -> list[Placed]:
        """The answer to a join that said `since`: the first fixes where to start, others close the gap."""
        if since is not None:
            self.stats(head)
            return self.history(since, batches, complete=complete)
        self._started = True
        shown = self._show_history(batches)
        self.missed = 0
        self.position = max(self.position, head)
        return [*shown, *self._show_held()]

    def history(self, since: Position, batches: Iterable[Batch], *, complete: bool) -> list[Placed]:
        """The answer to a pull that said `since`; where it brings nothing, what cannot be had is given up."""
        shown = [*self._show_history(batches), *self._show_held()]
        if self.gap is None or self.position > since:
            return shown
        if self._held:
            self._miss_until(self._held[0])
            shown += [*self._show(self._held.pop(0)), *self._show_held()]
        elif complete:
            self._head = self.position  # whoever answered knows no more yet; the next stats tells again
        else:
            self._miss(self._head)
            self.position = self._head
        return shown

    def lost(self) -> None:
        """The connection is gone: the next join says what came after `position`."""
        self._held.clear()

    def _show_history(self, batches: Iterable[Batch]) -> list[Placed]:
        shown: list[Placed] = []
        for batch in batches:
            if not self._is_seen(batch) and not self._continues(batch):
                shown += self._show_held()
            if self._is_seen(batch):
                continue
            if not self._continues(batch):
                self._miss_until(batch)
            shown += self._show(batch)
        return shown

    def _show_held(self) -> list[Placed]:
        shown: list[Placed] = []
        while self._held:
            if self._is_seen(self._held[0]):
                self._held.pop(0)
            elif self._continues(self._held[0]):
                shown += self._show(self._held.pop(0))
            else:
                break
        return shown

    def _is_seen(self, frame: Batch | Skip) -> bool:
        """Whether all of it was shown before, or belongs to an epoch that is over."""
        return _last(frame) <= self.position

    def _continues(self, frame: Batch | Skip) -> bool:
        if frame.epoch == self.position.epoch:
            return _first(frame).seq <= self.position.seq + 1
        prev = _prev(frame)
        return prev is not None and prev <= self.position

    def _hold(self, frame: Batch | Skip) -> None:
        """Keep it for later; beyond the bound it is forgotten, the head still knows that it was there."""
        if sum(map(_weight, self._held)) + _weight(frame) <= self._hold_items:
            insort(self._held, frame, key=_first)

    def _show(self, frame: Batch | Skip) -> list[Placed]:
        first, last = _first(frame), _last(frame)
        seen = max(0, self.position.seq + 1 - first.seq) if first.epoch == self.position.epoch else 0
        self.position = last
        if isinstance(frame, Skip):
            self.skipped += last.seq + 1 - first.seq - seen
            return []
        return [
            Placed(Position(first.epoch, first.seq + index), frame.at, frame.items[index])
            for index in range(seen, len(frame.items))
        ]

    def _miss_until(self, frame: Batch | Skip) -> None:
        first = _first(frame)
        self._miss(_prev(frame) or Position(first.epoch, first.seq - 1))

    def _miss(self, end: Position) -> None:
        known = end.seq - self.position.seq if end.epoch == self.position.epoch else end.seq
        self.missed += max(1, known)


def _first(frame: Batch | Skip) -> Position:
    return Position(frame.epoch, frame.from_ if isinstance(frame, Skip) else frame.seq)


def _last(frame: Batch | Skip) -> Position:
    return Position(frame.epoch, frame.to if isinstance(frame, Skip) else frame.seq + len(frame.items) - 1)


def _prev(frame: Batch | Skip) -> Position | None:
    return None if frame.prev is None else frame.prev.position


def _weight(frame: Batch | Skip) -> int:
    return 1 if isinstance(frame, Skip) else len(frame.items)
