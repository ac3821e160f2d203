"""An item that a room has taken and will show, with all that goes into the log with it. Pure."""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

import msgspec

from danmaku import wire
from danmaku.board import Change
from danmaku.held import Held
from danmaku.model import Act, Effect, Position
from rooms.dedupe import Key

W = TypeVar("W")
Takes = tuple[wire.Recall, tuple[Position, ...]]
"""A recall, and instead of which others it is kept."""


class Decided(NamedTuple):
    """held: what is kept of it. act: that of the moderator."""

    held: Held
    act: Act


class Accepted(msgspec.Struct, Generic[W], eq=False):
    """`order`: of arrival. `key`: None for what the room itself says, which has an `effect` or a `change`.
    `change`: of the board. `decided`: where it was held, what became of that. `recall`: what it takes back.
    `shadowed`: its sender alone is shown it. `act`: of staff, that it tells of.
    """

    order: int
    key: Key | None
    item: bytes
    waiters: list[W]
    effect: Effect | None = None
    change: Change | None = None
    decided: Decided | None = None
    recall: Takes | None = None
    shadowed: bool = False
    act: Act | None = None

    @property
    def uid(self) -> str:
        return self.key[0] if self.key else ""
