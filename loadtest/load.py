"""What is put on a service: rooms with their viewers and their rates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from danmaku import wire
from danmaku.model import Position
from loadtest.crowd import Audience
from loadtest.senders import ROOMS_EACH, Clock
from loadtest.sizes import zipf

_SENDERS: Final = 4  # of each room, so that no single connection is measured


@dataclass(frozen=True, slots=True)
class Room:
    """`rate`: comments per second."""

    name: str
    viewers: int
    rate: float


@dataclass(frozen=True, slots=True)
class Load:
    """What is put on a service. `payload` is the size of a frame that carries one comment, in bytes."""

    rooms: tuple[Room, ...]
    payload: int = 100
    protocol: str = wire.MSGPACK_PROTOCOL
    processes: int = 1
    returning: bool = False
    deflate: bool = False

    @property
    def viewers(self) -> int:
        return sum(room.viewers for room in self.rooms)

    def audience(self) -> Audience:
        rooms = tuple((room.name, room.viewers) for room in self.rooms)
        return Audience(rooms, self.protocol, self.processes, returning=self.returning, deflate=self.deflate)

    def frame(self, text: str) -> bytes:
        """A batch of one comment, as the service makes it."""
        item = wire.encode_item(wire.Comment("load", "load", text))
        frame = wire.encode_batch(self.rooms[0].name, Position(2**40, 1000), 2**40, [item])
        return frame if self.protocol == wire.MSGPACK_PROTOCOL else wire.JSON.batch(frame)

    def text_size(self) -> int:
        return max(self.payload - len(self.frame("")), 19)

    def clocks(self) -> list[list[Clock]]:
        """One list for each sender: each room has four, or one where there are many rooms."""
        talking = [room for room in self.rooms if room.rate > 0]
        if len(talking) <= ROOMS_EACH:
            return [
                [Clock(room.name, room.rate / _SENDERS, number / room.rate) for room in talking]
                for number in range(_SENDERS if talking else 0)
            ]
        clocks = [
            Clock(room.name, room.rate, number / len(talking) / room.rate)
            for number, room in enumerate(talking)
        ]
        return [clocks[begin : begin + ROOMS_EACH] for begin in range(0, len(clocks), ROOMS_EACH)]


def hot_room(
    name: str, viewers: int, rate: float, payload: int = 100, protocol: str = wire.MSGPACK_PROTOCOL,
    processes: int = 1,
) -> Load:  # fmt: skip
    """All in one room."""
    return Load((Room(name, viewers, rate),), payload, protocol, processes)


def many_rooms(
    count: int, viewers: int, rate: float, exponent: float, payload: int, protocol: str, processes: int
) -> Load:
    """Rooms of Zipf sizes that share `rate` in the same way. Raises ValueError with too few viewers."""
    sizes = zipf(viewers, count, exponent)
    weights = [1 / (rank + 1) ** exponent for rank in range(count)]
    digits = len(str(count - 1))
    rooms = tuple(
        Room(f"room-{rank:0{digits}}", size, rate * weight / sum(weights))
        for rank, (size, weight) in enumerate(zip(sizes, weights, strict=True))
    )
    return Load(rooms, payload, protocol, processes)
