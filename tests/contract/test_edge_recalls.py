"""Two rooms processes and an edge: what is taken back is told to nobody any more, wherever he asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import msgspec
from prometheus_client import CollectorRegistry

from config.live import Running
from config.settings import Edge, Nats, Rooms, Settings
from danmaku import wire
from danmaku.auth import from_settings
from danmaku.model import Position, Role
from danmaku.moderation_rows import RecallRow
from danmaku.rows import Done, Shown
from danmaku.telemetry import EdgeMetrics
from edge.node import Node
from tests.contract.edge_worker import AUTH
from tests.contract.rooms_service import Service, send, service, the
from tests.contract.rooms_watching import in_short
from tests.viewer import Viewer, viewer
from tests.waiting import until


@asynccontextmanager
async def edge(live: Service) -> AsyncIterator[int]:
    """Its port."""
    given = {"host": "127.0.0.1", "port": 0, "drain_s": 0.5}
    settings = Settings(edge=msgspec.convert(given, Edge), nats=live.nats, auth=AUTH)
    node = Node(Running(settings), from_settings(AUTH), live.bus, EdgeMetrics(CollectorRegistry()), "edge")
    stop = asyncio.Event()
    running = asyncio.create_task(node.run(stop, asyncio.Event()))
    await until(lambda: node.port or running.done())
    try:
        yield node.port
    finally:
        stop.set()
        async with asyncio.timeout(30):
            await running


def items(history: msgspec.Raw, codec: wire.Codec) -> list[str]:
    return [item.get("text", item["k"]) for batch in codec.read(history) for item in batch["items"]]


def has_shown(one: Viewer, wanted: list[str]) -> bool:
    batches = [frame for frame in one.frames if isinstance(frame, wire.Batch)]
    found = [one.codec.read(item) for batch in batches for item in batch.items]
    return [item.get("text", item["k"]) for item in found] == wanted


async def joined(one: Viewer, since: wire.At | None = None) -> list[str]:
    return items((await one.ok(wire.Join(0, "a", since))).history, one.codec)


async def test_from_the_ring_from_another_process_and_to_close_a_gap() -> None:
    async with service("memory", Nats(), None) as live:
        owners = [await live.start(rooms=Rooms(window_ms=5, lease_ms=15_000)) for _ in range(2)]
        await live.owned(*owners)
        async with (
            edge(live) as port,
            viewer(port) as ann,
            viewer(port, wire.JSON) as bob,
        ):
            for one in (ann, bob):
                await one.ok(wire.Hello(0))
                assert await joined(one) == []
            bad = the(Shown, await live.ask(send("a", "eve", "bad", "c1")))
            the(Shown, await live.ask(send("a", "ann", "good", "c2")))
            for one in (ann, bob):
                assert await one.texts(2) == ["bad", "good"]
            row = RecallRow("a", "mod", Role.MODERATOR, Position(bad.epoch, bad.seq))
            assert await live.ask(row) == Done()
            the(Shown, await live.ask(send("a", "ann", "next", "c3")))
            for one in (ann, bob):
                await until(partial(has_shown, one, ["bad", "good", "recall", "next"]))
            left = ["gone", "good", "recall", "next"]
            for _ in range(4):  # whichever of the two answers
                assert in_short((await live.history("a")).frames) == left
            async with viewer(port) as late, viewer(port, wire.JSON) as later:
                for one in (late, later):
                    await one.ok(wire.Hello(0))
                    assert await joined(one) == left
                    assert await joined(one, wire.At(0, 0)) == left
                    history = await one.ok(wire.History(0, "a", wire.At(0, 0)))
                    assert items(history.history, one.codec) == left
