"""What runs: edges, rooms processes, and who of them is about to go."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from danmaku.envelope import Drain, EdgeReport
from danmaku.errors import CONFLICT, NO_SUCH_EDGE, Refusal
from danmaku.subjects import PARTITIONS
from edge.api.routing import Call, RoomsClient, Route, Who


class FleetEdge(msgspec.Struct):
    """One edge worker. `capacity`: connections it takes at most. `adjusted`: the version of settings."""

    edge: str
    addresses: list[str]
    connections: int
    draining: bool
    version: str
    region: str
    weight: float
    capacity: int
    adjusted: int

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
            one.adjusted,
        )


class FleetRooms(msgspec.Struct):
    """One rooms process and how many of the partitions of rooms it owns. `adjusted` as of an edge."""

    process: str
    partitions: int
    leaving: bool
    version: str
    adjusted: int


class Fleet(msgspec.Struct):
    """All that was heard of in the last seconds. `unowned` partitions have nobody just now."""

    edges: list[FleetEdge]
    rooms: list[FleetRooms]
    unowned: int


class DrainEdge(msgspec.Struct, forbid_unknown_fields=True):
    """`seconds`: within which its viewers are told to go; as when it stops where that is left out.

    last: also where no other edge takes newcomers, so that nobody can come in, nor take the order back.
    """

    seconds: Annotated[float, Meta(ge=0, le=3600)] | None = None
    last: bool = False


class FleetCalls:
    def __init__(self, rooms: RoomsClient) -> None:
        self._rooms = rooms

    def routes(self) -> list[Route]:
        text = "What runs: edge workers, rooms processes, their versions, and whether rooms lack an owner."
        drain = "Have an edge worker take no newcomers and send its viewers elsewhere."
        back = "Have it take newcomers again."
        path = "/v1/admin/edges/{edge}/drain"
        return [
            Route("GET", "/v1/fleet", Who.ADMIN, text, self.get, None, Fleet),
            Route(
                "POST",
                path,
                Who.ADMIN,
                drain,
                self.drain,
                DrainEdge,
                FleetEdge,
                refuses=(NO_SUCH_EDGE, CONFLICT),
            ),
            Route("DELETE", path, Who.ADMIN, back, self.back, None, FleetEdge, refuses=(NO_SUCH_EDGE,)),
        ]

    async def drain(self, call: Call) -> FleetEdge:
        body: DrainEdge = call.body
        others = [one for one in self._rooms.edges() if one.edge != call.parts["edge"] and not one.draining]
        if not others and not body.last:
            raise Refusal(
                CONFLICT, "no other edge takes newcomers; say `last` to have it drained all the same"
            )
        return FleetEdge.of(await self._rooms.order(call.parts["edge"], Drain(True, body.seconds)))

    async def back(self, call: Call) -> FleetEdge:
        return FleetEdge.of(await self._rooms.order(call.parts["edge"], Drain(False)))

    async def get(self, call: Call) -> Fleet:
        edges = [FleetEdge.of(one) for one in sorted(self._rooms.edges(), key=lambda one: one.edge)]
        processes = sorted(self._rooms.processes(), key=lambda one: one.process)
        rooms = [
            FleetRooms(one.process, len(one.partitions), one.leaving, one.version, one.adjusted)
            for one in processes
        ]
        owned = {partition for one in processes for partition in one.partitions}
        return Fleet(edges, rooms, PARTITIONS - len(owned))
