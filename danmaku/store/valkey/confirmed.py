"""Whether who takes over as a primary has what replicas of the one before it had confirmed. Pure.

Hard because nobody who chooses it makes sure of that where fewer replicas are waited for than there are (see
docs/GUARANTEES.md). What is lost stays lost, but it is known: a primary tells whom it followed, and how far.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

_KEPT: Final = 64  # primaries; of more nobody asks


class Line(NamedTuple):
    """What one primary writes. before: what it followed until then, and has nothing of from `parted` on.

    What it does not say is empty; without `parted` so is `before`.
    """

    id: bytes
    before: bytes
    parted: int


class Mark(NamedTuple):
    """How far of a line as many replicas as are asked for have confirmed."""

    id: bytes
    offset: int


def line_of(info: bytes) -> Line | None:
    """By INFO replication; None of a replica."""
    facts = dict(row.split(b":", 1) for row in info.splitlines() if b":" in row)
    if facts.get(b"role") != b"master":
        return None
    parted = int(facts.get(b"second_repl_offset", -1))
    before = facts.get(b"master_replid2", b"") if parted >= 0 else b""
    return Line(facts.get(b"master_replid", b""), before, parted)


def mark_of(line: Line, role: Any, replicas: int) -> Mark | None:
    """By what ROLE says of `replicas`; None where these are not there any more, or it does not say."""
    if not line.id or not isinstance(role, list) or role[0] != b"master" or len(role[2]) < replicas:
        return None
    offsets = sorted((int(offset) for _, _, offset in role[2]), reverse=True)
    return Mark(line.id, offsets[replicas - 1])


class Confirmed:
    """What is known of that here, of the last few primaries."""

    def __init__(self) -> None:
        self._offsets: dict[bytes, int] = {}

    def note(self, mark: Mark) -> None:
        known = self._offsets.pop(mark.id, 0)  # the newest come last
        self._offsets[mark.id] = max(known, mark.offset)
        if len(self._offsets) > _KEPT:
            del self._offsets[next(iter(self._offsets))]

    def missing(self, line: Line) -> int:
        """How many bytes of what was confirmed it has not. Said once of each that took over."""
        confirmed = self._offsets.pop(line.before, None)
        return 0 if confirmed is None else max(0, confirmed + 1 - line.parted)
