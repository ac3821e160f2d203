"""The viewers of one swarm process: who they are, and how they behave."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass

from loadtest.checks import Reader
from loadtest.talk import Dialect


@dataclass(frozen=True, slots=True)
class Plan:
    """What one swarm process does. `rooms`: each with its viewers.

    `bare`: there is no handshake (the floor); frames are read as ever. `returning`: who is thrown out comes
    back with `since`. `bytes_per_s`: each viewer reads no more than this; 0: all there is.
    `dialect`: of a server that is not ours. `deflate`: batches may come compressed.
    """

    host: str
    port: int
    rooms: tuple[tuple[str, int], ...]
    protocol: str
    first_address: int
    bare: bool = False
    returning: bool = False
    bytes_per_s: int = 0
    dialect: Dialect | None = None
    deflate: bool = False
    latency_every: int = 10
    heartbeat_s: float = 25.0

    @property
    def viewers(self) -> int:
        return sum(count for _, count in self.rooms)


class Viewer:
    __slots__ = ("began", "heard", "known", "left_s", "number", "reader", "rest", "returns", "sock")

    def __init__(self, number: int, reader: Reader) -> None:
        self.number = number
        self.reader = reader
        self.rest = b""
        self.began = False  # the upgrade was asked for
        self.heard = False  # something came since its last turn to ping
        self.known = False  # it had joined before
        self.left_s = 0.0  # when it was thrown out
        self.returns = 0
        self.sock: socket.socket | None = None


def everybody(plan: Plan) -> Iterator[Viewer]:
    """Room by room; the latency of some is taken."""
    number = 0
    for room, count in plan.rooms:
        for _ in range(count):
            yield Viewer(number, Reader(room, timed=number % plan.latency_every == 0))
            number += 1
