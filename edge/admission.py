"""Who may come in: TCP connections by number, WebSockets by origin, subprotocol, number and pace. Pure."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from config.settings import Edge
from danmaku import wire
from danmaku.errors import BAD_FRAME, FORBIDDEN, RATE_LIMITED, UNAVAILABLE, UPGRADE_REQUIRED, Refusal
from edge.allowance import Allowances

_SPARE: Final = 256  # TCP connections of an address that are no WebSockets
_COUNT_EVERY_S: Final = 0.25
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Admitted(NamedTuple):
    """`address` is whose connection it is, as far as trusted proxies tell: of IPv6 the /64 network."""

    codec: wire.Codec
    address: str


class Admission:
    """Counts connections, in all and per address, whether that has a limit now or not.

    sockets: TCP connections there may be at one time, WebSockets among them; `descriptors` tells how many
    files are open, which takes some milliseconds. `allowances` are those of addresses: an upgrade takes one.

    Who says goodbye nearly always hangs up at once, but nobody tells. So where counting them all would
    leave no room, the descriptors are counted instead: all may reload a page at one time.
    """

    def __init__(
        self, settings: Edge, allowances: Allowances, sockets: int, descriptors: Callable[[], int]
    ) -> None:
        """Raises ValueError for a trusted proxy that is neither an address nor a network."""
        self._settings = settings
        self._proxies = [ipaddress.ip_network(proxy, strict=False) for proxy in settings.trusted_proxies]
        self.allowances = allowances
        self._most_sockets = sockets
        self._descriptors = descriptors
        self._inside = _Count()
        self._leaving = _Count()
        self._taken = sockets  # descriptors that may be, since they were counted
        self._counted_s = -math.inf
        self._open = _Count()
        self.is_closed = False  # while this node sends its viewers elsewhere

    def arrive(self, peer: str, now: float) -> bool:
        """A TCP connection at `now` (monotonic seconds): may it come in? A proxy may have all, others
        somewhat more than WebSockets: so there is room to tell them why one more of these is refused."""
        key = self._key(peer)
        most = self._settings.connections_per_address
        if most and key is not None and max(self._inside.of(key), self._leaving.of(key)) >= most + _SPARE:
            return False
        if not self._is_room(now):
            return False
        self._inside.add(key)
        return True

    def said_goodbye(self, peer: str) -> None:
        """One that was let in. It may be there for a while, but makes room for others of its address."""
        key = self._key(peer)
        self._inside.remove(key)
        self._leaving.add(key)

    def gone(self, peer: str) -> None:
        """One that said goodbye is."""
        self._leaving.remove(self._key(peer))

    def _is_room(self, now: float) -> bool:
        if self._inside.total + self._leaving.total < self._most_sockets:
            self._taken = self._most_sockets
            return True
        if self._taken >= self._most_sockets and now >= self._counted_s + _COUNT_EVERY_S:
            self._taken = self._descriptors()
            self._counted_s = now
        if self._taken >= self._most_sockets:
            return False
        self._taken += 1
        return True

    def _key(self, peer: str) -> str | None:
        """What may have a limit of its own."""
        return None if self.is_proxy(peer) else client_address("", peer, ())

    def is_proxy(self, peer: str) -> bool:
        """Whether what it says of others is believed."""
        address = _parse(peer)
        return address is not None and any(address in network for network in self._proxies)

    def address(self, headers: Mapping[str, str], peer: str) -> str:
        """Whose request it is, with lower-case header names: of IPv6 the /64 network."""
        return client_address(headers.get("x-forwarded-for", ""), peer, self._proxies)

    def judge(self, headers: Mapping[str, str], peer: str, now: float) -> Admitted:
        """May this upgrade request be granted at `now` (monotonic seconds)? Raises Refusal.

        What else stands in its way comes before that it is none: who only asks is told, at no cost.
        """
        codec = wire.codec_for(headers.get("sec-websocket-protocol"))
        if codec is None:
            raise Refusal(BAD_FRAME, f"offer {wire.MSGPACK_PROTOCOL} or {wire.JSON_PROTOCOL}")
        origin = headers.get("origin")
        origins, most = self._settings.origins, self._settings.connections_per_address
        if origin is not None and "*" not in origins and origin not in origins:
            raise Refusal(FORBIDDEN, "this origin may not connect")
        if self.is_closed:  # by a connection that a proxy kept, for the port is closed
            raise Refusal(UNAVAILABLE, "this node sends its viewers elsewhere", retry_ms=1000)
        if self._open.total >= self._settings.connections:
            raise Refusal(UNAVAILABLE, "this node is full", retry_ms=1000)
        address = self.address(headers, peer)
        if most and self._open.of(address) >= most:
            raise Refusal(RATE_LIMITED, "too many connections from this address", retry_ms=1000)
        if headers.get("upgrade", "").lower() != "websocket":  # native code goes by its key
            raise Refusal(UPGRADE_REQUIRED)
        wait_s = self.allowances.wait_s(address, now)
        if wait_s > 0:
            detail = "too many connections at a time from this address"
            raise Refusal(RATE_LIMITED, detail, retry_ms=math.ceil(wait_s * 1000))
        return Admitted(codec, address)

    def opened(self, address: str) -> None:
        self._open.add(address)

    def closed(self, address: str) -> None:
        self._open.remove(address)


class _Count:
    """How many there are, in all and by what has a limit of its own."""

    def __init__(self) -> None:
        self.total = 0
        self._by_key: dict[str, int] = {}

    def of(self, key: str) -> int:
        return self._by_key.get(key, 0)

    def add(self, key: str | None) -> None:
        self.total += 1
        if key is not None:
            self._by_key[key] = self.of(key) + 1

    def remove(self, key: str | None) -> None:
        self.total -= 1
        if key is not None:
            self._by_key[key] -= 1
            if not self._by_key[key]:
                del self._by_key[key]


def client_address(forwarded: str, peer: str, trusted: Sequence[_Network]) -> str:
    """The nearest address that is not a trusted proxy: each hop is believed only by the one before it.

    The peer, if a hop that counts is no address. Of IPv6 the /64: any one customer has that many.
    """
    if not forwarded:
        return _network_of(peer)
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
    address = _parse(peer)
    while hops and address is not None and any(address in network for network in trusted):
        address = _parse(hops.pop())
    return _network_of(peer) if address is None else _network(address)


@lru_cache(4096)
def _network_of(peer: str) -> str:
    address = _parse(peer)
    return peer if address is None else _network(address)


def _network(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """The address itself; of IPv6 its network."""
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((int(address), 64), strict=False))
    return str(address)


@lru_cache(4096)
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
