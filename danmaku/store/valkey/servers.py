"""Which server has a key: always the same one, the one that sentinels name, or one of a cluster.

Hard because what is known of that may be wrong at any moment. So nobody relies on it: a server that has not
what it is asked for says so, or does not answer; whoever asked tells that here (`doubt`), and then somebody
looks again, once for all. Connections to a server that no longer counts are cut, for it may not know that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final, Protocol

import structlog
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.connection import ConnectionPool, SSLConnection
from redis.asyncio.sentinel import MasterNotFoundError, Sentinel
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import RedisClusterException, RedisError

from config.engines import urls
from config.settings import Store
from danmaku.calls import STORE
from danmaku.login import LoginError
from danmaku.store.valkey.confirmed import Confirmed, Line, Mark, line_of
from danmaku.store.valkey.options import Address, Options, address_of, options_of, patience, sentinels
from danmaku.store.valkey.vouching import Vouching

_UNNAMED: Final = "no sentinel names a primary of {!r}; danmaku doctor asks each of them why"
_AWAY: Final = (RedisError, RedisClusterException, OSError, TimeoutError, LoginError)

_log: Any = structlog.get_logger("danmaku.store")


class Server:
    """Connections to one server. greet: what to do with each before it is used.

    is_slow: it did not answer the last call in time. is_tried: a call is finding out whether it does again.
    line: what it writes, where that is known. places: to be entered with a connection from the pool, for who
    waits gets one in turn; a pool that blocks gives it to whoever has just given it back. safe_places: for
    calls that wait for replicas, so that these hold nobody else up while there are too few.
    """

    def __init__(
        self,
        options: Options,
        timeout_s: float,
        greet: Callable[[Server, Any], Awaitable[None]] | None = None,
    ) -> None:
        self.is_slow = False
        self.is_tried = False
        self.line: Line | None = None
        self.places, self.safe_places = (asyncio.Semaphore(STORE.connections) for _ in range(2))
        self.pool = ConnectionPool(
            **options,
            socket_timeout=None,  # a link times all of a call
            socket_connect_timeout=timeout_s,
            retry_on_timeout=False,
            protocol=2,
            redis_connect_func=partial(greet, self) if greet else None,
        )


class Servers(Protocol):
    """Where calls go."""

    @property
    def several(self) -> bool:
        """Whether different keys may be at different servers."""

    def all(self) -> list[Server]:
        """Those that have keys, as far as it is known."""

    def of(self, key: bytes) -> Server | None:
        """Who has it; None while that is not known."""

    def at(self, address: Address) -> Server:
        """The one that another one named."""

    def doubt(self) -> None:
        """Look again, soon: something was not where it should be."""

    async def settled(self) -> None:
        """Return when nobody is looking. Safe to cancel."""

    async def vouch(self, server: Server, mark: Mark | None) -> bool:
        """Whether what it had taken when this was called outlives it, for it had not been replaced by then:
        then the mark counts. Safe to cancel."""

    async def close(self) -> None: ...


def servers(settings: Store, lost: Callable[[], None] = lambda: None) -> Servers:
    """Connects to nothing yet. Raises LoginError, and ValueError or TypeError for a bad URL.

    lost: called when one took over that has not all that replicas had confirmed.
    """
    options = options_of(settings)
    if settings.kind == "cluster":
        addresses = [address_of(url, settings) for url in urls(settings.url)]
        return _Cluster(settings.timeout_s, options, lost, addresses, confirms=settings.replicas > 0)
    if settings.kind == "sentinel":
        return _Watched(settings.timeout_s, options, lost, sentinels(settings), settings.master)
    return _Single(settings.timeout_s, options)


class _Single:
    """The server that the URL leads to. There is nothing to be found out."""

    several = False

    def __init__(self, timeout_s: float, options: Options) -> None:
        self._server = Server(options, timeout_s)

    def all(self) -> list[Server]:
        return [self._server]

    def of(self, key: bytes) -> Server | None:
        return self._server

    def at(self, address: Address) -> Server:
        return self._server

    def doubt(self) -> None:
        pass

    async def settled(self) -> None:
        pass

    async def vouch(self, server: Server, mark: Mark | None) -> bool:
        return True  # nobody replaces it

    async def close(self) -> None:
        await self._server.pool.aclose()


class _Found:
    """What those have in common that have to look where the servers are. To be closed."""

    def __init__(self, timeout_s: float, options: Options, lost: Callable[[], None]) -> None:
        self._timeout_s = timeout_s
        self._options = options
        self._lost = lost
        self._confirmed = Confirmed()
        self._servers: dict[Address, Server] = {}
        self._left: set[Address] = set()  # no longer counted when it was looked last
        self._looking: asyncio.Task[None] | None = None
        self._told = False  # why nobody could tell

    def at(self, address: Address) -> Server:
        if address not in self._servers:
            host, port = address
            options = {**self._options, "host": host, "port": port}
            self._servers[address] = Server(options, self._timeout_s, self._greet)
        return self._servers[address]

    def doubt(self) -> None:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(), name="store servers")

    async def settled(self) -> None:
        if self._looking is not None:
            await asyncio.wait([self._looking])

    async def vouch(self, server: Server, mark: Mark | None) -> bool:
        holds = await self._holds(server)
        if holds and mark is not None:
            self._confirmed.note(mark)
        return holds

    async def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait([self._looking])
        for server in self._servers.values():
            await server.pool.aclose()

    async def _greet(self, server: Server, connection: Any) -> None:
        """Hear what it writes, and whether it lacks something that was confirmed elsewhere."""
        await connection.on_connect()
        await connection.send_command("INFO", "replication")
        server.line = line_of(await connection.read_response())
        if server.line is not None and (missing := self._confirmed.missing(server.line)):
            where = f"{connection.host}:{connection.port}"
            _log.error("a new primary lacks what was acknowledged last", server=where, bytes=missing)
            self._lost()

    async def _holds(self, server: Server) -> bool:
        """As `vouch`."""
        return True  # who was replaced in a cluster has no replicas any more: see docs/GUARANTEES.md

    async def _look(self) -> None:
        try:
            async with asyncio.timeout(self._timeout_s * STORE.looks):
                counted = await self._find()
        except _AWAY as error:
            tell = _log.debug if self._told else _log.warning  # once is enough: callers ask all the time
            tell("nobody tells where the store is", error=str(error) or repr(error))
            self._told = True
            return
        self._told = False
        left = self._servers.keys() - counted
        for address in left:
            # Twice, for somebody may have chosen it just before.
            gone = self._servers.pop(address) if address in self._left else self._servers[address]
            with suppress(*_AWAY):
                await gone.pool.disconnect()
        self._left = left - self._left

    async def _find(self) -> set[Address]:
        """Find out where everything is; the addresses that count. Raises one of _AWAY."""
        raise NotImplementedError


class _Watched(_Found):
    """The server that sentinels name."""

    several = False

    def __init__(
        self, timeout_s: float, options: Options, lost: Callable[[], None], sentinel: Sentinel, master: str
    ) -> None:
        super().__init__(timeout_s, options, lost)
        self._sentinel = sentinel
        self._master = master
        self._vouching = Vouching(sentinel, master)
        self._address: Address | None = None

    def all(self) -> list[Server]:
        return [] if self._address is None else [self.at(self._address)]

    def of(self, key: bytes) -> Server | None:
        return None if self._address is None else self.at(self._address)

    async def close(self) -> None:
        await super().close()
        await self._vouching.close()
        await self._sentinel.aclose()

    async def _greet(self, server: Server, connection: Any) -> None:
        """A server that was replaced as the primary, and is back, may not be read from either."""
        await super()._greet(server, connection)
        if server.line is None:
            raise NotConnected(f"{connection.host}:{connection.port} is no primary")

    async def _holds(self, server: Server) -> bool:
        address = self._address
        return address is not None and self.at(address) is server and await self._vouching.holds(address)

    async def _find(self) -> set[Address]:
        try:
            host, port = await self._sentinel.discover_master(self._master)
        except MasterNotFoundError:  # its text has all of each connection in it
            raise MasterNotFoundError(_UNNAMED.format(self._master)) from None
        await self._vouching.learn()
        found = str(host), int(port)
        if found != self._address:
            _log.info("the store is found", server=f"{host}:{port}")
            self._address = found
        return {found}


class _Cluster(_Found):
    """The servers of a cluster: which of them has a key follows from its hash slot.

    confirms: whether replicas are waited for; else nobody needs to hear what a server writes.
    """

    several = True

    def __init__(
        self,
        timeout_s: float,
        options: Options,
        lost: Callable[[], None],
        addresses: list[Address],
        *,
        confirms: bool,
    ) -> None:
        super().__init__(timeout_s, options, lost)
        self._confirms = confirms
        own = {key: value for key, value in options.items() if key not in ("db", "connection_class")}
        nodes = [ClusterNode(host, port) for host, port in addresses]
        # It is only ever asked who has what: how it carries calls is not how they are carried here.
        self._map = RedisCluster(
            startup_nodes=nodes,
            require_full_coverage=False,  # what is there, is served
            ssl=options.get("connection_class") is SSLConnection,
            protocol=2,
            **own,
            **patience(timeout_s),
        ).nodes_manager
        self._of_slot: list[Server | None] = [None] * REDIS_CLUSTER_HASH_SLOTS

    def all(self) -> list[Server]:
        return list({id(server): server for server in self._of_slot if server is not None}.values())

    def of(self, key: bytes) -> Server | None:
        return self._of_slot[key_slot(key)]

    async def close(self) -> None:
        await super().close()
        await self._map.aclose()
        await self._map.aclose("startup_nodes")

    async def _greet(self, server: Server, connection: Any) -> None:
        if self._confirms:
            await super()._greet(server, connection)
        else:
            await connection.on_connect()

    async def _find(self) -> set[Address]:
        await self._map.initialize()
        counted: set[Address] = set()
        of_slot: list[Server | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
        for slot, nodes in self._map.slots_cache.items():
            address = str(nodes[0].host), int(nodes[0].port)
            counted.add(address)
            of_slot[slot] = self.at(address)
        if of_slot != self._of_slot:
            missing = of_slot.count(None)
            _log.info("the store's cluster is found", servers=len(counted), slots_missing=missing)
            self._of_slot = of_slot
        return counted
