"""An edge worker while the bus is away, and readers that do not keep up."""

from __future__ import annotations

import asyncio
import socket

import pytest
from prometheus_client import CollectorRegistry

from config.settings import Edge
from danmaku import wire
from danmaku.errors import Close
from danmaku.memory import MemoryBus
from danmaku.model import Position
from danmaku.telemetry import EdgeMetrics
from edge.fanout import Fanout
from edge.forms import Form, Topics
from edge.patience import Newcomers, Rounds
from edge.replies import Replies
from edge.ring import Batch
from edge.roster import Roster
from edge.session import Session
from edge.upkeep import Upkeep
from edge.uws import Accept, Connection, Request, Response, Server
from tests.contract.edge_worker import always, edge_worker, token
from tests.viewer import viewer
from tests.waiting import until


async def test_while_the_bus_is_away_viewers_stay_and_are_told(bus: MemoryBus) -> None:
    async with edge_worker(always(bus), request_s=2) as worker, viewer(worker.port) as ann:
        await ann.ok(wire.Hello(0))
        await ann.ok(wire.Join(0, "r"))
        bus.connected = False
        asked = [ann.err(wire.Send(0, "r", "hi", "c1")), ann.err(wire.Join(0, "s"))]
        assert await asyncio.gather(*asked) == ["unavailable", "unavailable"]
        await ann.ok(wire.Ping(0))
        bus.connected = True
        assert (await ann.ok(wire.Send(0, "r", "hi", "c1"))).shown
        assert await ann.texts(1) == ["hi"]


async def test_what_the_bus_lost_meanwhile_is_fetched_when_it_is_back(bus: MemoryBus) -> None:
    async with edge_worker(always(bus)) as worker, viewer(worker.port) as ann:
        await ann.ok(wire.Hello(0))
        await ann.ok(wire.Join(0, "r"))
        bus.connected = False
        worker.owner.append("r", "meanwhile")
        bus.connected = True
        assert await ann.texts(1) == ["meanwhile"]


async def test_a_row_survives_a_short_outage(bus: MemoryBus) -> None:
    async with edge_worker(always(bus)) as worker, viewer(worker.port) as ann:
        await ann.ok(wire.Hello(0, token=token("ann")))
        await ann.ok(wire.Join(0, "r"))
        bus.connected = False
        sending = asyncio.create_task(ann.ok(wire.Send(0, "r", "hi", "c1")))
        await ann.ok(wire.Ping(0))
        bus.connected = True
        assert (await sending).shown


async def test_a_worker_stops_in_time_without_the_bus(bus: MemoryBus) -> None:
    async with edge_worker(always(bus), drain_s=0.3) as worker, viewer(worker.port) as ann:
        await ann.ok(wire.Hello(0))
        bus.connected = False
        worker.stop.set()
        assert await ann.ended() == Close.GOING_AWAY


async def test_a_second_signal_does_not_wait_for_viewers(bus: MemoryBus) -> None:
    async with (
        edge_worker(always(bus), drain_s=3600) as worker,
        viewer(worker.port) as ann,
        viewer(worker.port) as bob,
    ):
        for one in (ann, bob):
            await one.ok(wire.Hello(0))
        worker.stop.set()
        await ann.until(wire.Notice)
        worker.force.set()
        assert await ann.ended() == await bob.ended() == Close.GOING_AWAY


class Crowd:
    """Everybody who connects gets what is published to one room."""

    def __init__(self) -> None:
        self.connections: list[Connection] = []
        self.closed_with: list[int] = []

    def upgrade(self, request: Request) -> Accept | Response:
        return Accept(wire.MSGPACK_PROTOCOL, Session(wire.MSGPACK, Edge()))

    def opened(self, connection: Connection) -> None:
        self.connections.append(connection)
        connection.subscribe("m/r")

    def received(self, connection: Connection, message: bytes, binary: bool) -> None:
        raise AssertionError("nobody says anything here")

    def beat(self, connection: Connection) -> None:
        raise AssertionError("nor does anybody ping")

    def closed(self, connection: Connection, code: int, reason: bytes) -> None:
        self.closed_with.append(code)


def connect_and_never_read(port: int) -> socket.socket:
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.connect(("127.0.0.1", port))
    reader.sendall(
        b"GET /v1/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    return reader


async def test_a_reader_that_stays_too_slow_is_closed() -> None:
    registry = CollectorRegistry()
    metrics = EdgeMetrics(registry)
    server = Server(
        max_frame_bytes=1024, max_buffered_bytes=256 * 1024, idle_timeout_s=0, max_body_bytes=1024
    )
    crowd = Crowd()
    server.websocket("/v1/ws", crowd)
    port = server.listen("127.0.0.1", 0, shared=False)
    roster: Roster[Connection] = Roster()
    roster.enter("r", Form.MSGPACK)
    fanout = Fanout(server, roster, metrics, Edge())
    upkeep = Upkeep(
        server,
        fanout,
        Newcomers(Edge(hello_s=3600)),
        Rounds(Edge(recheck_s=3600)),
        crowd.connections.append,
        metrics,
        behind_bytes=128 * 1024,
        limits=Edge(slow_s=1),
    )
    running = asyncio.create_task(upkeep.run())
    item = wire.encode_item(wire.Comment("u", "u", "x" * 60_000))
    try:
        async with viewer(port) as reads:
            with await asyncio.to_thread(connect_and_never_read, port):
                await until(lambda: server.subscribers("m/r") == 2)
                for seq in range(1, 200):
                    frame = wire.encode_batch("r", Position(1, seq), 1, [item])
                    fanout.show(Topics("r"), [Batch.of_frame(frame)])
                    await reads.texts(seq)
                await until(lambda: crowd.closed_with)
                assert crowd.closed_with == [Close.TOO_SLOW]
                assert registry.get_sample_value("danmaku_edge_slow_gaps_total") == 1
                assert reads.closed is None
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await server.shut_down()


@pytest.mark.parametrize("kind", ["answer", "notice"])
async def test_a_reader_that_loses_an_answer_or_a_notice_is_closed(kind: str) -> None:
    registry = CollectorRegistry()
    metrics = EdgeMetrics(registry)
    server = Server(max_frame_bytes=1024, max_buffered_bytes=4096, idle_timeout_s=0, max_body_bytes=1024)
    crowd = Crowd()
    server.websocket("/v1/ws", crowd)
    port = server.listen("127.0.0.1", 0, shared=False)
    replies = Replies(metrics)
    fanout = Fanout(server, Roster(), metrics, Edge())
    told = wire.Notice("muted", reason="x" * 100_000)
    sent = 0
    try:
        with await asyncio.to_thread(connect_and_never_read, port):
            await until(lambda: crowd.connections)
            (connection,) = crowd.connections
            while connection.is_open and sent < 1000:
                if kind == "answer":
                    replies.send(connection, told)
                else:
                    fanout.notice([connection], wire.MSGPACK.encode(told))
                sent += 1
                await asyncio.sleep(0)
        assert crowd.closed_with == [Close.TOO_SLOW]
        metrics.hand_over()
        assert registry.get_sample_value("danmaku_edge_frames_out_total") == sent - 1
    finally:
        await server.shut_down()
