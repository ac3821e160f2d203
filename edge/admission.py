"""Who may open a WebSocket here: origin, subprotocol, number of connections. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from config.settings import Edge
from danmaku import wire
from danmaku.errors import BAD_FRAME, FORBIDDEN, RATE_LIMITED, UNAVAILABLE, Refusal

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Admitted:
    """`address` is whose connection it is, as far as trusted proxies tell: of IPv6 the /64 network."""

    codec: wire.Codec
    address: str


class Admission:
    """Counts connections, in all and, where that has a limit, per address."""

    def __init__(self, settings: Edge) -> None:
        """Raises ValueError for a trusted proxy that is neither an address nor a network."""
        self._origins = frozenset(settings.origins)
        self._most = settings.connections
        self._most_per_address = settings.connections_per_address
        self._proxies = [ipaddress.ip_network(proxy, strict=False) for proxy in settings.trusted_proxies]
        self._open = 0
        self._per_address: dict[str, int] = {}

    def judge(self, headers: Mapping[str, str], peer: str) -> Admitted:
        """May this upgrade request, with lower-case header names, be granted? Raises Refusal."""
        codec = wire.codec_for(headers.get("sec-websocket-protocol"))
        if codec is None:
            raise Refusal(BAD_FRAME, f"offer {wire.MSGPACK_PROTOCOL} or {wire.JSON_PROTOCOL}")
        origin = headers.get("origin")
        if origin is not None and "*" not in self._origins and origin not in self._origins:
            raise Refusal(FORBIDDEN, "this origin may not connect")
        if self._open >= self._most:
            raise Refusal(UNAVAILABLE, "this node is full", retry_ms=1000)
        address = client_address(headers.get("x-forwarded-for", ""), peer, self._proxies)
        if self._most_per_address and self._per_address.get(address, 0) >= self._most_per_address:
            raise Refusal(RATE_LIMITED, "too many connections from this address", retry_ms=1000)
        return Admitted(codec, address)

    def opened(self, address: str) -> None:
        self._open += 1
        if self._most_per_address:
            self._per_address[address] = self._per_address.get(address, 0) + 1

    def closed(self, address: str) -> None:
        self._open -= 1
        if self._most_per_address:
            left = self._per_address[address] - 1
            if left:
                self._per_address[address] = left
            else:
                del self._per_address[address]


def client_address(forwarded: str, peer: str, trusted: Sequence[_Network]) -> str:
    """The nearest address that is not a trusted proxy: each hop is believed only by the one before it.

    The peer, if a hop that counts is no address. Of IPv6 the /64: any one customer has that many.
    """
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
    address = _parse(peer)
    while hops and address is not None and any(address in network for network in trusted):
        address = _parse(hops.pop())
    if address is None:
        address = _parse(peer)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((int(address), 64), strict=False))
    return peer if address is None else str(address)


def _parse(hop: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Without its port, as in `192.0.2.1:5000` and `[2001:db8::1]:5000`. None: it is no address."""
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    try:
        address = ipaddress.ip_address(hop)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
