"""What an owner stored last of a room, in case the store loses it again. Pure."""

from __future__ import annotations

from typing import Final

from danmaku.model import Position
from rooms.batch import Batch

# A store loses what it took in its last second or two: what it had not brought to disk, or to the replica
# that follows it. Thirty seconds are far beyond that, and bound what all rooms of a process keep; items and
# bytes bound a single one, and still hold ten seconds of a room that says all that people can read.
KEPT_S: Final = 30.0
MAX_ITEMS: Final = 2000
MAX_BYTES: Final = 256 * 1024


class Recent:
    """The batches of one room, each after the one before. The newest is kept however large it is."""

    __slots__ = ("_batches", "_bytes", "_items", "_kept_s", "_max_bytes", "_max_items")

    def __init__(
        self, max_items: int = MAX_ITEMS, max_bytes: int = MAX_BYTES, kept_s: float = KEPT_S
    ) -> None:
        self._max_items = max_items
        self._max_bytes = max_bytes
        self._kept_s = kept_s
        self._batches: list[tuple[float, Batch]] = []
        self._items = 0
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._batches)

    def add(self, batch: Batch, now_s: float) -> None:
        """It was stored; in the log it follows the one that was added last."""
        self.forget(now_s)
        self._batches.append((now_s, batch))
        self._items += batch.count
        self._bytes += len(batch.frame)
        while len(self._batches) > 1 and (self._items > self._max_items or self._bytes > self._max_bytes):
            self._drop_oldest()

    def forget(self, now_s: float) -> None:
        """What is too old to get lost."""
        while self._batches and now_s - self._batches[0][0] > self._kept_s:
            self._drop_oldest()

    def missing(self, head: Position) -> list[Batch] | None:
        """What a log that ends at `head` has lost, in order; None where that cannot be told."""
        for index, (_, batch) in enumerate(self._batches):
            if batch.head == head:
                return [lost for _, lost in self._batches[index:]]
        return [] if self._batches and self._batches[-1][1].last == head else None

    def _drop_oldest(self) -> None:
        _, batch = self._batches.pop(0)
        self._items -= batch.count
        self._bytes -= len(batch.frame)
