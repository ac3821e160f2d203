"""What is slow is told where it happens: at the store, the bus, the loop, a flush and a join."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from config.settings import Nats, Rooms, Store
from danmaku import wire
from danmaku.bus import BusTimeout
from danmaku.bus.nats import NatsBus
from danmaku.memory import MemoryBus
from danmaku.slow import Slow
from danmaku.store.valkey import ValkeyStore
from danmaku.store.valkey.link import Link
from danmaku.telemetry import LoopLag, SlowMetrics
from tests.contract.edge_worker import always, edge_worker
from tests.contract.rooms_service import send, service
from tests.viewer import viewer
from tests.waiting import until


class Kept:
    """threshold_s: 0, and all is slow."""

    def __init__(self, threshold_s: float) -> None:
        self.lines: list[dict[str, Any]] = []
        self.slow = Slow(1, SlowMetrics(CollectorRegistry()), self._tell)
        self.slow.threshold_s = threshold_s

    def _tell(self, _: str, **words: Any) -> None:
        self.lines.append(words)

    async def one(self, what: str) -> dict[str, Any]:
        await until(lambda: any(line["what"] == what for line in self.lines))
        return next(line for line in self.lines if line["what"] == what)


async def test_a_call_of_the_store_by_its_verb_and_key(store_url: str) -> None:
    kept = Kept(0.1)
    link = Link.to(Store(url=store_url), kept.slow)
    await link.one("GET", "quick")
    await link.one("BLPOP", "danmaku:slow", "0.2")
    await link.close()
    (line,) = kept.lines
    assert line["ms"] >= 100
    del line["ms"]
    assert line == {"what": "store", "verb": "BLPOP", "key": "danmaku:slow", "calls": 1, "safe": False}


async def test_a_script_is_told_by_its_name(store_url: str) -> None:
    kept = Kept(0.0)
    store = await ValkeyStore.connect(Store(url=store_url), Rooms(), slow=kept.slow)
    kept.lines.clear()
    await store.history.heads(["lobby"])
    await store.close()
    assert (kept.lines[0]["verb"], "lobby" in kept.lines[0]["key"]) == ("head", True)


async def test_a_request_on_the_bus_also_where_nobody_answers(nats_url: str) -> None:
    kept = Kept(0.1)
    bus = await NatsBus.connect(Nats(url=nats_url), "slow", slow=kept.slow)
    await bus.subscribe("slow.nobody", lambda _, __: None)
    with pytest.raises(BusTimeout):
        await bus.request("slow.nobody", b"123", 0.15)
    await bus.close()
    (line,) = kept.lines
    assert (line["what"], line["subject"], line["bytes"]) == ("bus", "slow.nobody", 3)


async def test_a_turn_of_the_loop() -> None:
    kept = Kept(0.1)
    async with LoopLag(lambda _: None, lambda _: None, 0.01, kept.slow.took):
        await asyncio.sleep(0.02)
        time.sleep(0.3)  # noqa: ASYNC251  that is what is to be noticed
        line = await kept.one("loop")
    assert line["ms"] >= 100
    assert line["tasks"] >= 1


async def test_a_flush_by_its_steps_and_its_largest_room() -> None:
    kept = Kept(0.0)
    async with service("memory", Nats(), None) as live:
        await live.sole_owner(slow=kept.slow)
        await live.ask(send("lobby", "ann", "hello", "c1"))
        line = await kept.one("flush")
        assert (line["rooms"], line["largest"]) == (1, "lobby")
        assert {"mend_ms", "cut_ms", "append_ms", "settle_ms"} <= line.keys()


async def test_a_join_by_its_steps(bus: MemoryBus) -> None:
    kept = Kept(0.0)
    async with edge_worker(always(bus), slow=kept.slow) as worker, viewer(worker.port) as ann:
        await ann.ok(wire.Hello(0))
        await ann.ok(wire.Join(0, "lobby"))
        line = await kept.one("join")
        assert line["room"] == "lobby"
        assert {"owner_ms", "open_ms", "seat_ms"} <= line.keys()
