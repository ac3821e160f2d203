"""What is decided for all rooms at once: a log that everybody follows, and what holds now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from danmaku.change import Change, Configured, Imposed, Lifted
from danmaku.model import Act, RoomSettings, Sanction

MOST_SANCTIONS: Final = 50_000
BEGINNING: Final = "0-0"
"""Where a log begins in which nothing was ever noted."""


@dataclass(frozen=True, slots=True)
class Noted:
    """An entry as it is kept (danmaku.change), and when it was noted by the store's clock."""

    at_ms: int
    entry: bytes


@dataclass(frozen=True, slots=True)
class News:
    """What was noted after some place in the log, oldest first.

    last: the place to go on from. more: there is more behind it. complete: False where the log cannot tell
    what came after the place that was asked for: it is no longer kept, or the store lost what was there.
    """

    entries: tuple[Noted, ...]
    last: str
    complete: bool
    more: bool


@dataclass(frozen=True, slots=True)
class InForce:
    """All sanctions in force, in no order, the settings for all rooms, and the place in the log from which to
    follow them.

    What was noted behind `last` may be among them already; to carry it out once more is harmless.
    """

    last: str
    sanctions: list[Sanction]
    settings: RoomSettings


class Changes(Protocol):
    """All methods raise StoreDown when the outcome is unknown or the store is away.

    Whatever is written here may be written again with the same effect. `acts` are written down in one step
    with it, where it is done.
    """

    async def append(self, change: Change, acts: Sequence[Act] = ()) -> None:
        """Note it. What it tells of is kept elsewhere, and was written before."""

    async def impose(self, change: Imposed, acts: Sequence[Act] = ()) -> bool:
        """Keep the sanction, replacing one of the same kind and uid, and note it, in one step.

        False when there are too many; `in_force` removes those that have run out.
        """

    async def lift(self, change: Lifted, now_ms: int, acts: Sequence[Act] = ()) -> bool:
        """Remove it and note that, in one step. False where none was in force: no act is written down."""

    async def configure(self, change: Configured, acts: Sequence[Act] = ()) -> None:
        """Keep the settings, replacing those before, and note them, in one step."""

    async def after(self, place: str | None, entries: int, max_bytes: int) -> News:
        """At most so many entries and bytes after `place`, one at least where there is one.

        None: no entries, only the place where the log ends now.
        """

    async def in_force(self, now_ms: int) -> InForce:
        """All that is in force. What has run out is removed."""
