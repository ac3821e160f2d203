"""Who may come in: TCP connections by number, WebSockets by origin, subprotocol, number and pace. Pure."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from config.settings import Edge
from danmaku import wire
from danmaku.errors import BAD_FRAME, FORBIDDEN, RATE_LIMITED, UNAVAILABLE, Refusal
from edge.allowance import Allowances

_SPARE: Final = 256  # TCP connections of an address that are no WebSockets
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Admitted:
    """`address` is whose connection it is, as far as trusted proxies tell: of IPv6 the /64 network."""

    codec: wire.Codec
    address: str


class Admission:
    """Counts connections, in all and, where that has a limit, per address.

    sockets: TCP connections there may be at one time, WebSockets among them. `allowances` are those of
    addresses: an upgrade takes one of them.
    """

    def __init__(self, settings: Edge, allowances: Allowances, sockets: int) -> None:
        """Raises ValueError for a trusted proxy that is neither an address nor a network."""
        self._origins = frozenset(settings.origins)
        self._most = settings.connections
        self._most_per_address = settings.connections_per_address
        self._proxies = [ipaddress.ip_network(proxy, strict=False) for proxy in settings.trusted_proxies]
        self.allowances = allowances
        self._most_sockets = sockets
        self._sockets = 0
        self._per_peer: dict[str, int] = {}
        self._open = 0
        self._per_address: dict[str, int] = {}

    def arrive(self, peer: str) -> bool:
        """A TCP connection: may it come in? A proxy may have all, others somewhat more than WebSockets: so
        there is room to tell them why one more of these is refused."""
        if self._sockets >= self._most_sockets:
            return False
        if self._most_per_address and not self.is_proxy(peer):
            address = client_address("", peer, ())
            count = self._per_peer.get(address, 0)
            if count >= self._most_per_address + _SPARE:
                return False
            self._per_peer[address] = count + 1
        self._sockets += 1
        return True

    def leave(self, peer: str) -> None:
        """One that was let in says goodbye. It may still be there for a while, which is held against its
        address alone: else all who reload a page at one time would keep each other out."""
        self._sockets -= 1

    def depart(self, peer: str) -> None:
        """It is gone."""
        if self._most_per_address and not self.is_proxy(peer):
            _count_down(self._per_peer, client_address("", peer, ()))

    def is_proxy(self, peer: str) -> bool:
        """Whether what it says of others is believed."""
        address = _parse(peer)
        return address is not None and any(address in network for network in self._proxies)

    def address(self, headers: Mapping[str, str], peer: str) -> str:
        """Whose request it is, with lower-case header names: of IPv6 the /64 network."""
        return client_address(headers.get("x-forwarded-for", ""), peer, self._proxies)

    def judge(self, headers: Mapping[str, str], peer: str, now: float) -> Admitted:
        """May this upgrade request be granted at `now` (monotonic seconds)? Raises Refusal."""
        codec = wire.codec_for(headers.get("sec-websocket-protocol"))
        if codec is None:
            raise Refusal(BAD_FRAME, f"offer {wire.MSGPACK_PROTOCOL} or {wire.JSON_PROTOCOL}")
        origin = headers.get("origin")
        if origin is not None and "*" not in self._origins and origin not in self._origins:
            raise Refusal(FORBIDDEN, "this origin may not connect")
        if self._open >= self._most:
            raise Refusal(UNAVAILABLE, "this node is full", retry_ms=1000)
        address = self.address(headers, peer)
        if self._most_per_address and self._per_address.get(address, 0) >= self._most_per_address:
            raise Refusal(RATE_LIMITED, "too many connections from this address", retry_ms=1000)
        wait_s = self.allowances.wait_s(address, now)
        if wait_s > 0:
            detail = "too many connections at a time from this address"
            raise Refusal(RATE_LIMITED, detail, retry_ms=math.ceil(wait_s * 1000))
        return Admitted(codec, address)

    def opened(self, address: str) -> None:
        self._open += 1
        if self._most_per_address:
            self._per_address[address] = self._per_address.get(address, 0) + 1

    def closed(self, address: str) -> None:
        self._open -= 1
        if self._most_per_address:
            _count_down(self._per_address, address)


def _count_down(counts: dict[str, int], key: str) -> None:
    left = counts[key] - 1
    if left:
        counts[key] = left
    else:
        del counts[key]


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
