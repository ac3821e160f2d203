"""What is decided for all rooms at once, as it stands in the changes log."""

from __future__ import annotations

from typing import Final

import msgspec

from danmaku.model import RoomSettings, Sanction, SanctionKind


class _Change(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """One entry of the log."""


class Revoked(_Change, frozen=True, tag="revoked"):
    """Tokens of `uid` that were issued until `at_ms` are void."""

    uid: str
    at_ms: int


class Imposed(_Change, frozen=True, tag="sanction"):
    """`uid` is muted or banned in every room; replaces a sanction of the same kind."""

    uid: str
    kind: SanctionKind
    by: str
    since_ms: int
    until_ms: int | None = None
    reason: str = ""

    @classmethod
    def of(cls, sanction: Sanction) -> Imposed:
        return cls(
            sanction.uid,
            sanction.kind,
            sanction.by,
            sanction.since_ms,
            sanction.until_ms,
            sanction.reason,
        )

    @property
    def sanction(self) -> Sanction:
        return Sanction(self.kind, self.uid, self.by, self.since_ms, self.until_ms, self.reason)


class Lifted(_Change, frozen=True, tag="lifted"):
    uid: str
    kind: SanctionKind


class Configured(_Change, frozen=True, tag="configured"):
    """What rooms go by where they have no setting of their own; replaces what was said so before."""

    settings: RoomSettings
    by: str


class Reworded(_Change, frozen=True, tag="reworded"):
    """The list of words for all rooms is of this version now; it is too large to be told here."""

    version: str
    by: str


class Adjusted(_Change, frozen=True, tag="adjusted"):
    """Settings are adjusted as in this version now (danmaku.adjustment), which is read where it is wanted."""

    version: int
    by: str


AboutUser = Revoked | Imposed | Lifted
Change = AboutUser | Configured | Reworded | Adjusted

encode: Final = msgspec.msgpack.Encoder().encode
_decoder: Final[msgspec.msgpack.Decoder[Change]] = msgspec.msgpack.Decoder(Change)


def decode(entry: bytes) -> Change | None:
    """None for a kind that this version does not know: its readers go on behind it."""
    try:
        return _decoder.decode(entry)
    except (ValueError, RecursionError):
        return None
