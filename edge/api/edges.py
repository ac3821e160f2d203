"""Where to connect."""

from __future__ import annotations

from collections import defaultdict

import msgspec

from edge.api.routing import Call, RoomsClient, Route, Who


class EdgeAddress(msgspec.Struct):
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
    def __init__(self, rooms: RoomsClient) -> None:
        self._rooms = rooms

    def routes(self) -> list[Route]:
        text = "Where to connect, lightest first, and how to come back after a lost connection."
        return [Route("GET", "/v1/edges", Who.ANYONE, text, self.list, None, Edges)]

    async def list(self, call: Call) -> Edges:
        """What edges told of themselves; where none told an address, the one this request came to."""
        full: dict[str, int] = defaultdict(int)
        for report in self._rooms.edges():
            if not report.draining:
                for address in report.addresses or _own(call):
                    full[address] += report.connections
        edges = [EdgeAddress(address, count) for address, count in full.items()]
        edges = edges or [EdgeAddress(address, 0) for address in _own(call)]
        return Edges(sorted(edges, key=lambda edge: (edge.connections, edge.address)), Reconnect())


def _own(call: Call) -> list[str]:
    headers = call.request.headers
    scheme = "wss" if headers.get("x-forwarded-proto") == "https" else "ws"
    return [f"{scheme}://{headers.get('host', 'localhost')}/v1/ws"]
