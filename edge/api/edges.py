"""Where to connect."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from danmaku.errors import FORBIDDEN, RATE_LIMITED, UNAVAILABLE, UPGRADE_REQUIRED, Refusal
from edge.api.routing import Call, IdQuery, RoomsClient, Route, Who
from edge.steering import Place, steer
from edge.uws import Request

_ROOM: Final = IdQuery("room", "the room one wants to join; every edge serves every room")
_REGION: Final = IdQuery("region", "where one is: edges of that region come first")


class EdgeAddress(msgspec.Struct):
    """`connections` counts those of all workers that share the address; `full`: none of them takes more."""

    address: str
    connections: int
    region: str = ""
    full: bool = False


class Reconnect(msgspec.Struct):
    """How to come back: after a random time up to `min_ms` · 2^tries, at most `max_ms`."""

    min_ms: int = 500
    max_ms: int = 30_000
    jitter: str = "full"


class Edges(msgspec.Struct):
    """In the order to try them: the emptier an edge is, the likelier it comes first."""

    edges: list[EdgeAddress]
    reconnect: Reconnect


class EdgeCalls:
    """`addresses` are this node's own, where it was told any; `tls`: it is spoken to over TLS itself.

    judge: raises the Refusal of an upgrade.
    """

    def __init__(
        self,
        rooms: RoomsClient,
        addresses: Sequence[str],
        judge: Callable[[Request], object],
        *,
        tls: bool,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._rooms = rooms
        self._addresses = addresses
        self._judge = judge
        self._tls = tls
        self._chance = chance

    def routes(self) -> list[Route]:
        text = "Where to connect, in the order to try, and how to come back after a lost connection."
        socket = "Where WebSockets connect; without an upgrade it tells why one would be refused."
        query = (_ROOM, _REGION)
        return [
            Route("GET", "/v1/edges", Who.ANYONE, text, self.list, None, Edges, query),
            Route(
                *("GET", "/v1/ws", Who.ANYONE, socket, self.refuse),
                refuses=(UPGRADE_REQUIRED, FORBIDDEN, RATE_LIMITED, UNAVAILABLE),
                status=101,
                media="text/plain",
            ),
        ]

    async def list(self, call: Call) -> Edges:
        """What edges told of themselves; one that told no address is where this request came to."""
        _ROOM.read(call)
        here = self._derived(call)
        places = steer(self._rooms.edges(), here, _REGION.read(call), self._chance)
        if not places:
            places = [Place(address, "", room=1.0) for address in self._addresses or [here]]
        edges = [EdgeAddress(one.address, one.connections, one.region, one.is_full) for one in places]
        return Edges(edges, Reconnect())

    async def refuse(self, call: Call) -> None:
        """What comes here is no WebSocket any more. Raises Refusal: why one would not be let in, or
        upgrade_required, from which a client sees that the header got lost on the way."""
        self._judge(call.request)
        raise Refusal(UPGRADE_REQUIRED)

    def _derived(self, call: Call) -> str:
        headers = call.request.headers
        scheme = "wss" if self._tls or headers.get("x-forwarded-proto") == "https" else "ws"
        return f"{scheme}://{headers.get('host', 'localhost')}/v1/ws"
