"""A service of several machines on one: each server, rooms process and edge to be killed or frozen alone."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import redis
from redis.sentinel import Sentinel

from config.settings import Auth
from danmaku.auth import from_settings
from danmaku.model import Identity, Role
from danmaku.servers import NatsServer, Running, Server, ValkeyServer
from danmaku.subjects import PARTITIONS, partition_of
from tests.engines import CONFIG, NATS_PASSWORD, NatsCluster, SentinelSet, ValkeyCluster
from tests.ports import free_port
from tests.system.deployment import HOST, LOOSE, environment

SECRET: Final = "the secret of a fleet that lives for one test only"
_DEADLINE_S: Final = 60.0
_STOP_S: Final = 30.0


class Part:
    """One process of the service. `start` again after `kill` or `stop`."""

    def __init__(
        self, name: str, module: str, more: Mapping[str, str], log: Path, through: Sequence[str] = ()
    ) -> None:
        self.name = name
        self._modules = *through, module
        self._environment = environment(**more)
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def start(self) -> None:
        with self._log.open("ab") as log:
            argv = [sys.executable, "-m", *self._modules]
            self._process = subprocess.Popen(argv, env=self._environment, stdout=log, stderr=log)

    def kill(self) -> None:
        """As a crash would. Safe to call twice."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> int:
        """As an operator would; the exit code."""
        assert self._process is not None
        self._process.terminate()
        code = self._process.wait(_STOP_S)
        self._process = None
        return code

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)


class Edge(Part):
    """An edge of one worker on a port of its own."""

    def __init__(self, name: str, more: Mapping[str, str], log: Path, through: Sequence[str] = ()) -> None:
        self.port = free_port()
        self.ws = f"ws://{HOST}:{self.port}/v1/ws"
        self.url = f"http://{HOST}:{self.port}"
        own = {"DANMAKU_EDGE_PORT": str(self.port), "DANMAKU_EDGE_ADDRESSES": self.ws}
        super().__init__(name, "edge", {**more, **own}, log, through)

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:  # noqa: S310  our own http
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


class Fleet:
    """Made by `fleet`. `more` are settings of all processes, as environment variables. `through`:
    a module that is told theirs, and runs it."""

    through: Sequence[str] = ()

    def __init__(self, folder: Path, more: Mapping[str, str]) -> None:
        self._folder = folder
        self.nats = Running(NatsServer(folder / "nats", free_port()))
        self.valkey = Running(ValkeyServer(folder / "valkey"))
        self._own = [self.nats, self.valkey]
        self.store_socket = folder / "valkey" / "valkey.sock"
        self._auth = Auth(secret=SECRET)
        self._more = {
            **LOOSE,
            "DANMAKU_AUTH_SECRET": SECRET,
            "DANMAKU_NATS_URL": self.nats.server.url,
            "DANMAKU_STORE_URL": self.valkey.server.url,
            "DANMAKU_EDGE_HOST": HOST,
            "DANMAKU_EDGE_WORKERS": "1",
            "DANMAKU_EDGE_DRAIN_S": "1",
            **more,
        }
        self.rooms: list[Part] = []
        self._names: dict[str, Part] = {}
        self.edges: list[Edge] = []

    async def start(self, *, edges: int, rooms: int) -> None:
        for running in self._own:
            await self.start_server(running)
        for _ in range(edges):
            self.add_edge()
        for _ in range(rooms):
            self.add_rooms()
            await self.until_shared()
        for edge in self.edges:
            await self.until_ready(edge)

    async def start_server(self, running: Running) -> None:
        server: Server = running.server
        running.start()
        await server.wait_ready(_DEADLINE_S)

    def add_rooms(self, **more: str) -> Part:
        """`more` are settings of this process alone."""
        name = f"rooms-{len(self.rooms) + 1}"
        part = Part(name, "rooms", {**self._more, **more}, self._folder / f"{name}.log", self.through)
        self.rooms.append(part)
        part.start()
        return part

    def add_edge(self, **more: str) -> Edge:
        """`more` are settings of this edge alone."""
        name = f"edge-{len(self.edges) + 1}"
        edge = Edge(name, {**self._more, **more}, self._folder / f"{name}.log", self.through)
        self.edges.append(edge)
        edge.start()
        return edge

    async def until_ready(self, edge: Edge) -> None:
        deadline = time.monotonic() + _DEADLINE_S
        while not await asyncio.to_thread(edge.is_ready):
            assert time.monotonic() < deadline, f"{edge.name} is not ready: {edge.said}"
            await asyncio.sleep(0.1)

    async def until_shared(self) -> None:
        """Return when all partitions are owned, and every rooms process owns its share of them."""
        deadline = time.monotonic() + _DEADLINE_S
        while True:
            holders = list((await asyncio.to_thread(self._holders)).values())
            counts = Counter(holders)
            if len(holders) == PARTITIONS and len(counts) == len(self.rooms):
                break
            assert time.monotonic() < deadline, f"shared badly: {counts}; {self.said}"
            await asyncio.sleep(0.1)
        for name in counts.keys() - self._names.keys():
            self._names[name] = self.rooms[-1]

    async def owner(self, room: str) -> Part:
        """The rooms process that owns the room now, among those known to `until_shared`."""
        holders = await asyncio.to_thread(self._holders)
        return self._names[holders[partition_of(room)]]

    def store(self) -> Any:
        """A plain client of the store, to be entered."""
        return redis.Redis(unix_socket_path=str(self.store_socket), socket_timeout=10)

    def _holders(self) -> dict[int, str]:
        with self.store() as store:
            leases = [store.get(f"danmaku:{{r{partition}}}:lease") for partition in range(PARTITIONS)]
        return {n: lease.decode().partition(":")[2] for n, lease in enumerate(leases) if lease is not None}

    def token(self, uid: str, role: Role = Role.VIEWER) -> str:
        return from_settings(self._auth).issue(Identity(uid, uid, role), time.time()).access

    @property
    def said(self) -> str:
        """What all of them logged."""
        parts: list[Part] = [*self.rooms, *self.edges]
        return "\n".join(f"---- {part.name}\n{part.said}" for part in parts)

    def kill(self) -> None:
        for part in [*self.edges, *self.rooms]:
            part.kill()
        for running in self._own:
            with suppress(ProcessLookupError):
                running.kill()


class ClusterFleet(Fleet):
    """The same over servers of others, by `config/cluster.toml`. Made by `cluster_fleet`."""

    def __init__(
        self,
        folder: Path,
        bus: NatsCluster,
        store: ValkeyCluster | SentinelSet,
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        files = {name: folder / name for name in ("secret", "nats-password")}
        files["secret"].write_text(SECRET)
        files["nats-password"].write_text(NATS_PASSWORD)
        self._kind = "cluster" if isinstance(store, ValkeyCluster) else "sentinel"
        settings = {
            "DANMAKU_CONFIG": str(CONFIG / "cluster.toml"),
            "DANMAKU_AUTH_SECRET": "",
            "DANMAKU_AUTH_SECRET_FILE": str(files["secret"]),
            "DANMAKU_NATS_URL": bus.url,
            "DANMAKU_NATS_PASSWORD_FILE": str(files["nats-password"]),
            "DANMAKU_NATS_CA_FILE": str(bus.certificates.ca),
            "DANMAKU_STORE_URL": store.url,
            "DANMAKU_STORE_KIND": self._kind,
            **more,
        }
        super().__init__(folder, settings)
        self._own = []
        self._urls = store.url.split(",")

    def store(self) -> Any:
        if self._kind == "sentinel":
            sentinels = [(HOST, int(url.rpartition(":")[2])) for url in self._urls]
            watching: Any = Sentinel  # it has no types
            return watching(sentinels, socket_timeout=10).master_for("danmaku", socket_timeout=10)
        return redis.RedisCluster.from_url(self._urls[-1], socket_timeout=10)


@asynccontextmanager
async def cluster_fleet(folder: Path, bus: NatsCluster, store: ValkeyCluster) -> AsyncIterator[ClusterFleet]:
    """Two edges and two rooms processes, while the block lasts."""
    whole = ClusterFleet(folder, bus, store)
    try:
        await whole.start(edges=2, rooms=2)
        yield whole
    finally:
        await asyncio.to_thread(whole.kill)


@asynccontextmanager
async def fleet(folder: Path, *, edges: int = 2, rooms: int = 2, **more: str) -> AsyncIterator[Fleet]:
    """A fleet that runs while the block lasts."""
    whole = Fleet(folder, more)
    try:
        await whole.start(edges=edges, rooms=rooms)
        yield whole
    finally:
        await asyncio.to_thread(whole.kill)
