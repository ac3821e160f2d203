"""What moderators did: for each room, and for all rooms at once, a record that only grows at its end.

An act is written down in the same step as what it tells of, so the other nouns take `acts` with what they
write. An act whose id was written down before is not written again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from danmaku.model import Act

REMEMBERED_MS: Final = 3_600_000
"""So long the id of an act is known, at least."""
EVERYWHERE: Final = ""
"""In place of a room: the record of what was done for all rooms."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """An act, and its place in the record."""

    place: str
    act: Act


class Audit(Protocol):
    """All methods raise StoreDown when the outcome is unknown or the store is away.

    A record keeps as many entries, and for as long, as the settings say. Places look like `5-0`, and are told
    in an order that never goes back.
    """

    async def write_down(self, process: str, lease: int, act: Act) -> bool:
        """An act in a room which changes nothing that is kept. False when the lease was lost."""

    async def knows(self, room: str, act: str) -> bool:
        """Whether an act of this id was written down lately. If so it will be known for as long again."""

    async def after(self, room: str, place: str, entries: int) -> list[Recorded]:
        """At most so many entries behind `place`, oldest first."""

    async def before(self, room: str, place: str | None, entries: int) -> list[Recorded]:
        """At most so many before `place`, or the newest; oldest first."""

    async def about(self, room: str, uid: str) -> int:
        """How many entries concern this user."""
