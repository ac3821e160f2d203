"""Where to connect."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import msgspec

from edge.api.routing import Call, IdQuery, RoomsClient, Route, Who

_ROOM: Final = IdQuery("room", "the room one wants to join; every edge serves every room")


class EdgeAddress(msgspec.Struct):
    """`connections` counts those of all workers that share the address."""

    address: str
    connections: int


class Reconnect(msgspec.Struct):
    """How to come back: after a random time up to `min_ms` · 2^tries, at most `max_ms`."""

    min_ms: int = 500
    max_ms: int = 30_000
    jitter: str = "full"


class Edges(msgspec.Struct):
    """Lightest first."""

    edges: list[EdgeAddress]
    reconnect: Reconnect


class EdgeCalls:
    """`addresses` are this node's own, where it was told any; `tls`: it is spoken to over TLS itself."""

    def __init__(self, rooms: RoomsClient, addresses: Sequence[str], *, tls: bool) -> None:
        self._rooms = rooms
        self._addresses = addresses
        self._tls = tls

    def routes(self) -> list[Route]:
        text = "Where to connect, lightest first, and how to come back after a lost connection."
        return [Route("GET", "/v1/edges", Who.ANYONE, text, self.list, None, Edges, (_ROOM,))]

    async def list(self, call: Call) -> Edges:
        """What edges told of themselves; one that told no address is where this request came to."""
        _ROOM.read(call)
        here = self._derived(call)
        connections: dict[str, int] = defaultdict(int)
        for report in self._rooms.edges():
            if not report.draining:
                for address in report.addresses or [here]:
                    connections[address] += report.connections
        if not connections:
            connections |= dict.fromkeys(self._addresses or [here], 0)
        edges = [EdgeAddress(address, count) for address, count in connections.items()]
        return Edges(sorted(edges, key=lambda edge: (edge.connections, edge.address)), Reconnect())

    def _derived(self, call: Call) -> str:
        headers = call.request.headers
        scheme = "wss" if self._tls or headers.get("x-forwarded-proto") == "https" else "ws"
        return f"{scheme}://{headers.get('host', 'localhost')}/v1/ws"
