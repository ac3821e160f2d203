"""What kinds of values settings have, and the table that a section of them is."""

from __future__ import annotations

from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import Meta

_YEAR_S: Final = 366 * 24 * 3600

T = TypeVar("T")
Live = Annotated[T, Meta(extra={"live": True})]
"""Can be adjusted while the service runs (config.live): whoever goes by it reads it each time."""

Port = Annotated[int, Meta(ge=0, le=65535)]
Seconds = Annotated[float, Meta(ge=0, le=86_400)]
Deadline = Annotated[float, Meta(ge=0.05, le=3600)]
WholeSeconds = Annotated[int, Meta(ge=0, le=_YEAR_S)]
Lifetime = Annotated[int, Meta(ge=1, le=_YEAR_S)]
Count = Annotated[int, Meta(ge=1, le=1_000_000_000)]
CountOrNone = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Bytes = Annotated[int, Meta(ge=1024, le=1024**3)]
Word = Annotated[str, Meta(pattern=r"^[^\s,]+$", extra={"allowed": "text without spaces and commas"})]
Prefix = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_-]{1,64}$", extra={"allowed": "1 to 64 letters, digits, underscores or dashes"}
    ),
]
Region = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_-]{0,64}$",
        extra={"allowed": "at most 64 letters, digits, underscores or dashes"},
    ),
]

Frame = Annotated[
    str,
    Meta(
        pattern=r"^(self|\*|https?://(\*\.)?[A-Za-z0-9.-]+(:[0-9]{1,5})?)$",
        extra={"allowed": 'self, * or an address like "https://live.example"'},
    ),
]

SocketUrl = Annotated[
    str,
    Meta(
        pattern=r"^wss?://[^\s,/?#]+(/[^\s,]*)?$",
        extra={"allowed": 'an address like "wss://live.example/v1/ws"'},
    ),
]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One table of the TOML file."""
