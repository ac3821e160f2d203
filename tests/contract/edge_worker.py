"""An edge worker in this process, with real sockets, before an owner that does what it is told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from secrets import token_hex

import msgspec
from prometheus_client import CollectorRegistry

from config.live import Running
from config.settings import Auth, Edge, Nats, Settings
from danmaku.auth import from_settings
from danmaku.bus import Bus
from danmaku.client import Timing
from danmaku.model import Identity, Role
from danmaku.slow import Slow
from danmaku.subjects import Subjects
from danmaku.telemetry import EdgeMetrics
from edge.node import Node
from tests.contract.edge_owner import FakeOwner
from tests.made_once import made_once
from tests.measured import measured
from tests.waiting import until

QUICK = Timing(first_retry=0.01, most_retry=0.05, pull_jitter=0.001)  # of clients
AUTH = Auth(secret="a secret of at least thirty-two bytes")


Connect = Callable[[], Awaitable[Bus]]


def always(bus: Bus) -> Connect:
    """Everybody shares one connection, as a test needs it that takes the bus away."""

    async def connect() -> Bus:
        return bus

    return connect


class Worker:
    def __init__(
        self,
        node: Node,
        owner: FakeOwner,
        metrics: EdgeMetrics,
        registry: CollectorRegistry,
        settings: Settings,
    ) -> None:
        self.settings = settings  # in force
        self.node = node
        self.owner = owner
        self.stop = asyncio.Event()
        self.force = asyncio.Event()
        self._metrics = metrics
        self._registry = registry

    @property
    def port(self) -> int:
        return self.node.port

    def metric(self, metric: str, **labels: str) -> float:
        self._metrics.hand_over()
        return measured(self._registry, f"danmaku_edge_{metric}", **labels)


Start = Callable[..., AbstractAsyncContextManager[Worker]]  # of `edge_worker` without `connect`


@asynccontextmanager
async def edge_worker(
    connect: Connect,
    auth: Auth = AUTH,
    prepare: Callable[[FakeOwner], object] = lambda _: None,
    slow: Slow | None = None,
    **edge: object,
) -> AsyncIterator[Worker]:
    """Runs until the block ends; `edge` are settings of its section. `prepare` is called before it starts."""
    prefix = f"t{token_hex(4)}"
    given = {"host": "127.0.0.1", "port": 0, "drain_s": 0.5, "linger_s": 0.2, **edge}
    settings = Settings(edge=msgspec.convert(given, Edge), nats=Nats(prefix=prefix), auth=auth)
    owner = FakeOwner(await connect(), Subjects(prefix))
    prepare(owner)
    await owner.start()
    registry = CollectorRegistry()
    metrics = EdgeMetrics(registry)
    bus, settling = await connect(), Running(settings)
    with made_once():
        node = Node(settling, from_settings(auth), bus, metrics, "edge", slow=slow)
    worker = Worker(node, owner, metrics, registry, settling.settings)
    running = asyncio.create_task(node.run(worker.stop, worker.force))
    await until(lambda: node.port or running.done())
    try:
        yield worker
    finally:
        worker.stop.set()
        async with asyncio.timeout(30):
            await running
        await owner.close()


def token(uid: str, role: Role = Role.VIEWER) -> str:
    return from_settings(AUTH).issue(Identity(uid, uid.title(), role), time.time()).access
