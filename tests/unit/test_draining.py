"""Whenever an edge begins to leave it does: no order has newcomers come again, or viewers told twice."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from config.settings import Edge
from danmaku import envelope, wire
from danmaku.envelope import Drain, EdgeReport
from danmaku.memory import MemoryBus
from edge.admission import Admission
from edge.allowance import Allowances
from edge.draining import Draining
from edge.session import Session
from edge.uws import Connection

ORDERS = "orders"
TURNS = 12  # in which an order is carried out


class Viewer:
    """As Draining sees a connection."""

    def __init__(self) -> None:
        self.session = Session(wire.MSGPACK, Edge())
        self.told = 0
        self.released = 0
        self.is_closed = False

    def send(self, _: bytes, __: bool) -> None:
        assert self.released > self.told, "what was held comes before"
        self.told += 1

    def close(self, *_: object) -> None:
        self.is_closed = True


class Worker:
    """Of two viewers, whose orders come by a bus."""

    def __init__(self) -> None:
        self.viewers = [Viewer(), Viewer()]
        self.is_listening = True
        self.bus = MemoryBus()
        edge = Edge()
        self.admission = Admission(edge, Allowances(edge), 10, int)
        self.draining = Draining(
            self.bus, ORDERS, self, self.listen, self, self.admission, self.release, 60.0
        )
        self.forced = asyncio.Event()
        self.forced.set()

    @property
    def told(self) -> int:
        return sum(viewer.told for viewer in self.viewers)

    def release(self, connection: Connection) -> None:
        cast("Viewer", connection).released += 1

    def listen(self) -> None:
        self.is_listening = True

    def stop_listening(self) -> None:
        self.is_listening = False

    def connections(self) -> list[Connection]:
        return cast(list[Connection], self.viewers)

    def soon(self) -> None: ...

    def report(self) -> EdgeReport:
        return EdgeReport("edge", [], 2, self.admission.is_closed)

    async def order(self, order: Drain) -> EdgeReport:
        return envelope.decode_edge_report(await self.bus.request(ORDERS, envelope.encode(order), 5.0))


@pytest.fixture
async def worker() -> Any:
    made = Worker()
    running = asyncio.create_task(made.draining.run())
    await asyncio.sleep(0)
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_it_drains_and_comes_back_by_order(worker: Worker) -> None:
    assert (await worker.order(Drain(draining=True))).draining
    assert (worker.is_listening, worker.told) == (False, 2)
    assert not (await worker.order(Drain(draining=False))).draining
    assert worker.is_listening


@pytest.mark.parametrize("turns", range(TURNS))
@pytest.mark.parametrize("order", [Drain(draining=False), Drain(draining=True, seconds=50.0)])
async def test_who_leaves_takes_no_order_back(worker: Worker, order: Drain, turns: int) -> None:
    await worker.order(Drain(draining=True))
    asked = asyncio.create_task(worker.order(order))
    for _ in range(turns):
        await asyncio.sleep(0)
    before = worker.told
    await worker.draining.leave(worker.forced)
    await asked
    for _ in range(TURNS):
        await asyncio.sleep(0)
    assert (worker.is_listening, worker.admission.is_closed) == (False, True)
    assert worker.told == before + 2, "each was told once where to go"
    assert all(viewer.is_closed for viewer in worker.viewers)
