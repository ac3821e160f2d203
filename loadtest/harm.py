"""What somebody with bad intentions is up to, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    FRAMES = "frames"
    SOCKETS = "sockets"
    GARBAGE = "garbage"
    HANDSHAKES = "handshakes"
    HALF = "half"
    ALL = "all"  # the three before it, at one time


@dataclass(frozen=True, slots=True)
class Plan:
    """frames: one connection says `rate` frames a second, and comes back whenever it is closed.

    garbage: `sockets` connections from 200 addresses say together `rate` times a second what is no frame, or
    claims to be a huge one: each so seldom that nobody tells it to be slower. They come back, too.

    sockets: `sockets` connections are opened from one address, kept while `hold_s` lasts, and again.

    handshakes: `rate` times a second somebody of 200 addresses connects, asks for an upgrade, and goes.

    half: `sockets` connections from 200 addresses say a request byte by byte that never ends, and come back
    whenever they are hung up on.
    """

    host: str
    port: int
    kind: Kind
    rate: int = 10_000
    sockets: int = 2000
    hold_s: float = 0.5


@dataclass(slots=True)
class Harm:
    """What was done, and how the service took it: by close code, or the status of a refused upgrade."""

    frames: int = 0
    connections: int = 0
    most_held: int = 0
    ended: dict[str, int] = field(default_factory=dict)
