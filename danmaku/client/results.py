"""What a client hands to its user: plain values with their place in the room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from danmaku import wire
from danmaku.client.reader import Placed
from danmaku.model import NORMAL_SIZE, WHITE, Mode, Position


@dataclass(frozen=True, slots=True)
class Comment:
    """One danmaku. `at` is when it was shown, in ms since 1970 by the server's clock."""

    room: str
    position: Position
    at: int
    uid: str
    name: str
    text: str
    mode: Mode = "scroll"
    color: int = WHITE
    size: int = NORMAL_SIZE
    role: str | None = None  # None: no role worth showing


@dataclass(frozen=True, slots=True)
class Event:
    """Anything else that has a place in the room: `announce`, `gift`, `settings`, `opened`, `closed` …

    `gone` stands in the place of what was recalled. `data` holds the fields of that kind.
    """

    room: str
    position: Position
    at: int
    kind: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stats:
    """The room's totals now; the latest wins. `position` is the room's newest."""

    room: str
    position: Position
    viewers: int
    likes: int


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a comment: shown at (epoch, seq), or accepted but left out of a full room."""

    shown: bool
    epoch: int | None = None
    seq: int | None = None
    at: int | None = None

    @property
    def position(self) -> Position | None:
        return None if self.epoch is None or self.seq is None else Position(self.epoch, self.seq)


@dataclass(frozen=True, slots=True)
class History:
    """A page of the past, oldest first. Not `complete`: something before it is gone, or more is to come."""

    items: list[Comment | Event]
    complete: bool


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the server tells this connection: `kicked`, `muted`, `unmuted`, `reconnect`, `resync`."""

    kind: str
    room: str | None = None
    reason: str | None = None
    retry_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ConnectionChange:
    """`connected`, `lost` (a new attempt follows after `retry_s`) or `closed` (for good)."""

    state: Literal["connected", "lost", "closed"]
    code: int | None = None
    reason: str = ""
    retry_s: float | None = None


def read_item(codec: wire.Codec, room: str, placed: Placed) -> Comment | Event:
    """The typed value of one item; kinds that only a later version knows become events too."""
    position, at, raw = placed
    try:
        item = codec.read(raw, wire.Comment)
    except msgspec.ValidationError:
        fields = codec.read(raw)
        data = dict(fields) if isinstance(fields, dict) else {}
        return Event(room, position, at, str(data.pop("k", "unknown")), data)
    return Comment(
        room,
        position,
        at,
        item.uid,
        item.name,
        item.text,
        item.mode or "scroll",
        WHITE if item.color is None else item.color,
        NORMAL_SIZE if item.size is None else item.size,
        item.role,
    )
