"""What runs: edges, rooms processes, and who of them is about to go."""

from __future__ import annotations

import msgspec

from danmaku.envelope import EdgeReport
from danmaku.subjects import PARTITIONS
from edge.api.routing import Call, RoomsClient, Route, Who


class FleetEdge(msgspec.Struct):
    """One edge worker. `capacity`: connections it takes at most."""

    edge: str
    addresses: list[str]
    connections: int
    draining: bool
    version: str
    region: str
    weight: float
    capacity: int

    @classmethod
    def of(cls, one: EdgeReport) -> FleetEdge:
        return cls(
            one.edge,
            one.addresses,
            one.connections,
            one.draining,
            one.version,
            one.region,
            one.weight,
            one.capacity,
        )


class FleetRooms(msgspec.Struct):
    """One rooms process and how many of the partitions of rooms it owns."""

    process: str
    partitions: int
    leaving: bool
    version: str


class Fleet(msgspec.Struct):
    """All that was heard of in the last seconds. `unowned` partitions have nobody just now."""

    edges: list[FleetEdge]
    rooms: list[FleetRooms]
    unowned: int


class FleetCalls:
    def __init__(self, rooms: RoomsClient) -> None:
        self._rooms = rooms

    def routes(self) -> list[Route]:
        text = "What runs: edge workers, rooms processes, their versions, and whether rooms lack an owner."
        return [Route("GET", "/v1/fleet", Who.ADMIN, text, self.get, None, Fleet)]

    async def get(self, call: Call) -> Fleet:
        edges = [FleetEdge.of(one) for one in sorted(self._rooms.edges(), key=lambda one: one.edge)]
        processes = sorted(self._rooms.processes(), key=lambda one: one.process)
        rooms = [FleetRooms(one.process, len(one.partitions), one.leaving, one.version) for one in processes]
        owned = {partition for one in processes for partition in one.partitions}
        return Fleet(edges, rooms, PARTITIONS - len(owned))
