"""What comes of a comment that was judged, where it is not refused. Pure."""

from __future__ import annotations

from enum import Enum

import msgspec


class Fate(Enum):
    """SHOW: everybody sees it. HOLD: nobody, until a moderator approves. SHADOW: its sender alone does."""

    SHOW = "show"
    HOLD = "hold"
    SHADOW = "shadow"


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """item: encoded, as it is to be shown. why: for moderators, what a fate other than SHOW comes from."""

    item: bytes
    fate: Fate = Fate.SHOW
    why: str = ""
