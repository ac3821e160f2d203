"""What a room keeps in view: the pinned announcement, pinned paid comments and gifts, the poll.

It changes only together with a numbered item that tells of it, and is stored in one step with that item. No
clock: times are ms since 1970, and whoever reads a board goes by `until`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from danmaku.model import Position


class Pin(msgspec.Struct, frozen=True, array_like=True):
    """An item that stays in view until then. at: when it was shown. weight: heavier ones stay, where there
    is not room for all."""

    position: Position
    at: int
    until: int
    item: bytes
    weight: tuple[int, int] = (0, 0)


class Poll(msgspec.Struct, frozen=True, array_like=True):
    """A question that is open, until then if it ends by itself."""

    id: str
    question: str
    options: tuple[str, ...]
    until: int | None = None


class Result(msgspec.Struct, frozen=True, array_like=True):
    """What came of the poll that was closed last."""

    poll: Poll
    counts: tuple[int, ...]


class Board(msgspec.Struct, frozen=True, array_like=True):
    """Of one room. `paid`: comments and gifts that were paid for, the heaviest first.

    title: what the room is called, for joiners; it is not stored here.
    """

    announcement: Pin | None = None
    paid: tuple[Pin, ...] = ()
    poll: Poll | None = None
    last: Result | None = None
    title: str = ""

    @property
    def pins(self) -> tuple[Pin, ...]:
        return self.paid if self.announcement is None else (self.announcement, *self.paid)

    def announced(self, pin: Pin) -> Board:
        """The newest pinned announcement takes the place of another one."""
        return msgspec.structs.replace(self, announcement=pin)

    def unpinned(self) -> Board:
        return msgspec.structs.replace(self, announcement=None)

    def paid_for(self, pin: Pin, most: int) -> Board:
        """One more that was paid for; of more than `most` the lightest, and the oldest of these, goes."""
        paid = sorted((pin, *self.paid), key=_heaviest_first)[:most]
        return msgspec.structs.replace(self, paid=tuple(paid))

    def opened(self, poll: Poll) -> Board:
        return msgspec.structs.replace(self, poll=poll)

    def closed(self, counts: tuple[int, ...]) -> Board:
        """The poll is over."""
        if self.poll is None:
            return self
        return msgspec.structs.replace(self, poll=None, last=Result(self.poll, counts))

    def without(self, gone: Callable[[Pin], bool]) -> Board:
        """Without these pins; the board itself where there are none."""
        announcement = self.announcement
        if announcement is not None and gone(announcement):
            announcement = None
        paid = tuple(pin for pin in self.paid if not gone(pin))
        if announcement is self.announcement and len(paid) == len(self.paid):
            return self
        return msgspec.structs.replace(self, announcement=announcement, paid=paid)


Change = Callable[[Board, Position, int], Board]
"""What becomes of the board with an item, whose position and time these are."""

EMPTY: Final = Board()
_decoder = msgspec.msgpack.Decoder(Board)
encode: Final = msgspec.msgpack.Encoder().encode


def decode(stored: bytes) -> Board:
    """Raises ValueError. What a later version keeps besides is ignored."""
    return _decoder.decode(stored)


def _heaviest_first(pin: Pin) -> tuple[int, ...]:
    return (-pin.weight[0], -pin.weight[1], -pin.position.epoch, -pin.position.seq)
