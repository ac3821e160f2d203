"""A comment that waits for a moderator, and what became of it. Pure."""

from __future__ import annotations

from typing import Literal

import msgspec

Decision = Literal["", "approve", "deny"]


class Held(msgspec.Struct, frozen=True, omit_defaults=True):
    """As it is kept. What a later version stored besides is ignored.

    id: `<epoch of the lease>-<number>`, in order of arrival. item: as it is to be shown; a decided one has
    none. why: what it is held for. at_ms: the wall clock of the owner that held it.
    decision: empty while it waits; by, decided_ms: whose and when. act: the id of the asking.
    """

    id: str
    uid: str
    cid: str
    at_ms: int
    item: bytes = b""
    why: str = ""
    decision: Decision = ""
    by: str = ""
    decided_ms: int = 0
    act: str = ""

    @property
    def place(self) -> tuple[int, int]:
        """Its id, to be compared."""
        return place_of(self.id)


def place_of(held: str) -> tuple[int, int]:
    """Raises ValueError for what is no id of a held comment."""
    epoch, _, number = held.partition("-")
    return int(epoch), int(number)


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Held).decode
