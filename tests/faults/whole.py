"""The service that faults are done to: servers alone or several of each, wires between them, a small disk.

Three kinds. `single`: one nats-server and one valkey-server, a wire from each process to each of them, and
for the store a disk of its own, that can be filled. `sentinel` and `cluster`: three nats-servers, and a store
whose primary may be lost. Servers of several tell clients each other's addresses: no wires in front of these.
"""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from danmaku.servers import NatsServer, ValkeyServer
from tests.engines import NatsCluster, SentinelSet, ValkeyCluster, nats_cluster, sentinel_set, valkey_cluster
from tests.faults import wallclock
from tests.faults.wire import Wire
from tests.system.fleet import ClusterFleet, Edge, Fleet, Part
from tests.system.nats_proxy import NatsProxy

KINDS: Final = ("single", "sentinel", "cluster")
EDGES: Final = 2
ROOMS: Final = 2
_DISK: Final = "size=48m"
_AWAY_MS: Final = "1000"  # a primary that is away for so long is replaced
_HOST: Final = "127.0.0.1"


class Wires(NamedTuple):
    """Of one process. `lossy` is on the way of an edge to the bus; only rooms processes have a store."""

    bus: Wire
    store: Wire | None = None
    lossy: NatsProxy | None = None

    async def close(self) -> None:
        for one in (self.lossy, self.bus, self.store):
            if one is not None:
                await one.close()


class Disk:
    """What the store writes to. Without the right to mount one there is none that can be filled."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ballast = folder / "ballast"
        folder.mkdir(parents=True, exist_ok=True)
        mount = ["mount", "-t", "tmpfs", "-o", _DISK, "tmpfs", str(folder)]
        self.small = subprocess.run(mount, capture_output=True, check=False).returncode == 0

    def fill(self) -> None:
        with suppress(OSError), self._ballast.open("wb", buffering=0) as ballast:
            while True:
                ballast.write(bytes(4096))

    def free(self) -> None:
        self._ballast.unlink(missing_ok=True)

    def close(self) -> None:
        if self.small:
            argv = ["umount", "-l", str(self._folder)]
            subprocess.run(argv, capture_output=True, check=False)


class SingleFleet(Fleet):
    """Edges and rooms processes of which each has wires and a wall clock of its own."""

    through = ("tests.faults.wallclock",)

    def __init__(self, folder: Path, more: Mapping[str, str]) -> None:
        self.disk = Disk(folder / "valkey")
        super().__init__(folder, more)
        self.wires: dict[str, Wires] = {}
        self._unused: list[Wires] = []
        self._clocks = folder

    async def start(self, *, edges: int, rooms: int) -> None:
        for number in range(edges + rooms):
            self._unused.append(await self._lay(edge=number < edges))
        await super().start(edges=edges, rooms=rooms)

    def add_edge(self, **more: str) -> Edge:
        wires = self._unused.pop(0)
        assert wires.lossy is not None
        edge = super().add_edge(
            DANMAKU_NATS_URL=wires.lossy.url, **self._clock(f"edge-{len(self.edges) + 1}"), **more
        )
        self.wires[edge.name] = wires
        return edge

    def add_rooms(self, **more: str) -> Part:
        wires = self._unused.pop(0)
        assert wires.store is not None
        bus, store = (f"{scheme}://{_HOST}:{wire.port}" for scheme, wire in self._ends(wires))
        own = {"DANMAKU_NATS_URL": bus, "DANMAKU_STORE_URL": store}
        part = super().add_rooms(**own, **self._clock(f"rooms-{len(self.rooms) + 1}"), **more)
        self.wires[part.name] = wires
        return part

    def clock_is_wrong(self, part: Part, by_s: float) -> None:
        """From now on, or right where that is 0."""
        (self._clocks / f"{part.name}.clock").write_text(f"{by_s:g}")

    async def close(self) -> None:
        for wires in [*self.wires.values(), *self._unused]:
            await wires.close()
        self.disk.close()

    def _clock(self, name: str) -> dict[str, str]:
        return {wallclock.VARIABLE: str(self._clocks / f"{name}.clock")}

    def _ends(self, wires: Wires) -> list[tuple[str, Wire]]:
        assert wires.store is not None
        return [("nats", wires.bus), ("redis", wires.store)]

    async def _lay(self, *, edge: bool) -> Wires:
        nats, valkey = self.nats.server, self.valkey.server
        assert isinstance(nats, NatsServer)
        assert isinstance(valkey, ValkeyServer)
        bus = Wire(nats.port)
        await bus.start()
        if not edge:
            store = Wire(valkey.socket)
            await store.start()
            return Wires(bus, store)
        lossy = NatsProxy(bus.port, "danmaku")
        await lossy.start()
        return Wires(bus, lossy=lossy)


class SeveralFleet(ClusterFleet):
    """Over three nats-servers and a replicated store."""

    def __init__(
        self, folder: Path, bus: NatsCluster, replicated: ValkeyCluster | SentinelSet, more: Mapping[str, str]
    ) -> None:
        super().__init__(folder, bus, replicated, more)
        self.bus = bus
        self.replicated = replicated


@asynccontextmanager
async def whole_service(
    kind: str, folder: Path, more: Mapping[str, str], *, servers: int = 6
) -> AsyncIterator[SingleFleet | SeveralFleet]:
    """Two edges and two rooms processes over servers of that kind, while the block lasts.

    servers: of the store, where it is a cluster; three are primaries, and the first has most replicas.
    """
    async with AsyncExitStack() as stack:
        whole: SingleFleet | SeveralFleet
        if kind == "single":
            whole = SingleFleet(folder, more)
            stack.push_async_callback(whole.close)
        else:
            bus = await stack.enter_async_context(nats_cluster(folder / "nats"))
            replicated = await stack.enter_async_context(_replicated(kind, folder / "store", servers))
            whole = SeveralFleet(folder, bus, replicated, more)
        stack.callback(whole.kill)
        await whole.start(edges=EDGES, rooms=ROOMS)
        yield whole


@asynccontextmanager
async def _replicated(kind: str, folder: Path, servers: int) -> AsyncIterator[ValkeyCluster | SentinelSet]:
    if kind == "cluster":
        async with valkey_cluster(folder, 3, servers, cluster_node_timeout=_AWAY_MS) as cluster:
            yield cluster
    else:
        async with sentinel_set(folder, min_replicas_to_write="1") as watched:
            await watched.set("down-after-milliseconds", _AWAY_MS)
            yield watched
