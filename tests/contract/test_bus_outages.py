"""What becomes of the bus when its server dies, hangs or throws it out, and of the twin's outages."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import re
import signal
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest
from nats.aio.client import Client
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from config.settings import Nats
from danmaku.bus import BusDown, BusTimeout
from danmaku.bus.nats import NatsBus
from danmaku.memory import MemoryBus
from danmaku.servers import NatsServer, Running, running
from danmaku.telemetry import BusMetrics
from tests.contract.inbox import SOON, Inbox
from tests.listening import accept_no_more
from tests.ports import free_port
from tests.waiting import until


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(NatsServer(tmp_path, free_port())) as child:
        yield child


@pytest.fixture
async def bus(server: Running) -> AsyncIterator[NatsBus]:
    opened = await NatsBus.connect(Nats(url=server.server.url), "test")
    yield opened
    await opened.close()


class Restored:
    """Listens for the connection to be back."""

    def __init__(self, bus: NatsBus | MemoryBus) -> None:
        self.times = 0
        bus.on_reconnect(self)

    def __call__(self) -> None:
        self.times += 1

    def is_back(self) -> bool:
        return self.times > 0


async def down(bus: NatsBus) -> None:
    await until(lambda: not bus.connected)


async def restart(server: Running) -> None:
    server.start()
    await server.server.wait_ready(60)


async def test_without_a_server_to_connect_fails_and_tells_no_password(tmp_path: Path) -> None:
    url = NatsServer(tmp_path, free_port()).url.replace("//", "//user:secret@")
    with pytest.raises(BusDown, match="cannot connect") as refused:
        await NatsBus.connect(Nats(url=url), "test")
    assert "secret" not in str(refused.value)


async def test_started_before_its_server_it_connects_when_it_can(tmp_path: Path) -> None:
    server = NatsServer(tmp_path, free_port())
    bus = NatsBus.start(Nats(url=server.url), "test")
    restored = Restored(bus)
    with pytest.raises(BusDown):
        await bus.subscribe("a", Inbox())
    async with running(server):
        await until(restored.is_back)
        await bus.flush(SOON)
        await bus.close()


async def test_one_of_several_servers_is_enough(server: Running, tmp_path: Path) -> None:
    nobody = NatsServer(tmp_path / "other", free_port()).url
    bus = await NatsBus.connect(Nats(url=f"{nobody}, {server.server.url}"), "test")
    await bus.flush(SOON)
    await bus.close()


async def test_subscriptions_and_requests_work_again_after_a_restart(server: Running, bus: NatsBus) -> None:
    inbox, group, ended = Inbox(), Inbox(), Inbox()
    await bus.subscribe("a", inbox)
    await bus.subscribe("a", group, queue="q")
    subscription = await bus.subscribe("a", ended)
    restored = Restored(bus)
    server.kill()
    await down(bus)
    await subscription.unsubscribe()
    await restart(server)
    await until(restored.is_back)
    await bus.publish("a", b"1")
    assert await inbox.has(1) == [b"1"]
    assert await group.has(1) == [b"1"]
    assert ended.got == []
    assert restored.times == 1
    with pytest.raises(BusDown):
        await bus.request("nobody", b"", SOON)


async def test_nothing_said_in_an_outage_arrives_later(server: Running, bus: NatsBus) -> None:
    inbox = Inbox()
    await bus.subscribe("a", inbox)
    restored = Restored(bus)
    server.kill()
    # The loss is not noticed yet: these are taken, and must get lost all the same.
    for _ in range(100):
        await bus.publish("a", b"stale")
    await down(bus)
    with pytest.raises(BusDown):
        await bus.publish("a", b"stale")
    with pytest.raises(BusDown):
        await bus.request("a", b"stale", SOON)
    with pytest.raises(BusDown):
        await bus.subscribe("a", Inbox())
    await restart(server)
    await until(restored.is_back)
    await bus.publish("a", b"fresh")
    await inbox.has(1)
    await bus.flush(SOON)
    assert inbox.got == [b"fresh"]


async def test_what_could_not_be_sent_before_an_outage_is_not_sent_after_it(
    server: Running, bus: NatsBus
) -> None:
    inbox = Inbox()
    await bus.subscribe("a", inbox)
    await bus.flush(SOON)
    restored = Restored(bus)
    await freeze(server)
    await flood(bus)
    server.kill()
    await restart(server)
    await until(restored.is_back)
    await bus.publish("a", b"fresh")
    await inbox.has(1)
    await bus.flush(SOON)
    assert [len(payload) for payload in inbox.got] == [len(b"fresh")]


async def test_a_waiting_request_fails_as_soon_as_the_connection_is_lost(
    server: Running, bus: NatsBus
) -> None:
    asked = Inbox()
    await bus.subscribe("a", asked)
    waiting = asyncio.ensure_future(bus.request("a", b"?", 600))
    await asked.has(1)
    server.kill()
    with pytest.raises(BusDown, match="lost"):
        await asyncio.wait_for(waiting, SOON)


async def test_traffic_while_the_server_dies_again_and_again(server: Running, bus: NatsBus) -> None:
    inbox = Inbox()
    await bus.subscribe("a", inbox)
    stop = asyncio.Event()

    async def talk() -> None:
        while not stop.is_set():
            try:
                await bus.publish("a", bytes(10_000))
            except BusDown:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0)

    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, about: complaints.append(about))
    talking = asyncio.ensure_future(talk())
    for _ in range(3):
        restored = Restored(bus)
        await inbox.has(len(inbox.got) + 10)
        server.kill()
        await restart(server)
        await until(restored.is_back)
    stop.set()
    await talking
    await bus.flush(SOON)
    gc.collect()  # tasks complain of errors that nobody took when they are collected
    assert complaints == []


async def freeze(server: Running) -> None:
    """Stop the server where it stands; its threads heed the signal one after the other."""
    os.kill(server.pid, signal.SIGSTOP)
    threads = Path(f"/proc/{server.pid}/task")

    def stands_still() -> bool:
        states = [stat.read_text().rpartition(")")[2].split()[0] for stat in threads.glob("*/stat")]
        return set(states) == {"T"}

    await until(stands_still)


async def flood(bus: NatsBus) -> list[bytes]:
    """Numbered messages to a server that does not read, until no more are taken; those that were."""
    taken: list[bytes] = []
    while len(taken) < 100:
        payload = len(taken).to_bytes(4, "big").ljust(500_000, b".")
        try:
            await bus.publish("a", payload)
        except BusDown as error:
            assert "as fast" in str(error)  # noqa: PT017  those before it must be taken
            return taken
        taken.append(payload)
        await asyncio.sleep(0)
    raise AssertionError("what waits to be sent is not bounded")


async def test_a_server_that_hangs(server: Running, bus: NatsBus) -> None:
    inbox = Inbox()
    await bus.subscribe("a", inbox)
    await bus.flush(SOON)
    await freeze(server)
    try:
        with pytest.raises(BusTimeout):
            await bus.flush(0.05)
        with pytest.raises(BusTimeout):
            await bus.request("a", b"?", 0.05)
        await flood(bus)  # what waits to be sent is bounded
    finally:
        os.kill(server.pid, signal.SIGCONT)
    await inbox.has(2)
    await bus.flush(SOON)


async def test_a_server_that_hangs_for_long_is_given_up(server: Running, bus: NatsBus) -> None:
    restored = Restored(bus)
    await freeze(server)
    try:
        await down(bus)
    finally:
        os.kill(server.pid, signal.SIGCONT)
    await until(restored.is_back)
    await bus.flush(SOON)


async def test_what_was_unsent_when_it_was_given_up_is_never_sent(server: Running, bus: NatsBus) -> None:
    """Also not by a connection that nobody has any more, to a server that goes on later."""
    other = await NatsBus.connect(Nats(url=server.server.url), "other")
    inbox = Inbox()
    await other.subscribe("a", inbox)
    await other.flush(SOON)
    restored, other_restored = Restored(bus), Restored(other)
    await freeze(server)
    try:
        taken = await flood(bus)
        await down(bus)
        await down(other)
        await asyncio.sleep(2)  # it has been thrown away whole by now
    finally:
        os.kill(server.pid, signal.SIGCONT)
    await until(restored.is_back)
    await until(other_restored.is_back)
    await bus.publish("a", b"fresh")
    await until(lambda: b"fresh" in inbox.got)
    await other.flush(SOON)
    # What the kernel had already may come; the last 8 MiB it never had.
    assert not {payload[:4] for payload in inbox.got} & {payload[:4] for payload in taken[-16:]}
    await other.close()


async def test_many_subscriptions_to_a_server_that_hangs_hold_up_nobody(
    server: Running, bus: NatsBus
) -> None:
    restored = Restored(bus)
    await freeze(server)
    try:
        await flood(bus)
        async with asyncio.timeout(5):  # sooner than the server is given up
            for _ in range(1500):
                await bus.subscribe("b", Inbox())
        await down(bus)
    finally:
        os.kill(server.pid, signal.SIGCONT)
    await until(restored.is_back)
    await bus.flush(SOON)


@pytest.mark.parametrize("whim", ["cancelled from within", "swallows a cancellation"])
async def test_a_library_that_does_not_close_as_told_ends_nothing(
    server: Running, bus: NatsBus, monkeypatch: pytest.MonkeyPatch, whim: str
) -> None:
    close = Client.close

    async def whimsical(client: Client) -> None:
        await close(client)
        if whim == "cancelled from within":
            raise asyncio.CancelledError
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        await asyncio.sleep(60)

    restored = Restored(bus)
    monkeypatch.setattr(Client, "close", whimsical)
    server.kill()
    await down(bus)
    await restart(server)
    await until(restored.is_back)
    await bus.flush(SOON)


async def test_thrown_out_for_its_password_it_comes_back(tmp_path: Path) -> None:
    class Guarded(NatsServer):
        @property
        def argv(self) -> list[str]:
            return [*super().argv[:5], "--config", str(tmp_path / "conf")]  # only what can be reloaded

        def admit(self, token: str) -> None:
            (tmp_path / "conf").write_text(f'authorization {{ token: "{token}" }}')

    server = Guarded(tmp_path / "data", free_port())
    server.admit("first")
    async with running(server) as child:
        bus = await NatsBus.connect(Nats(url=server.url.replace("//", "//first@")), "test")
        restored = Restored(bus)
        server.admit("second")
        os.kill(child.pid, signal.SIGHUP)
        await down(bus)
        server.admit("first")
        os.kill(child.pid, signal.SIGHUP)
        await until(restored.is_back)
        await bus.flush(SOON)
        await bus.close()


@pytest.mark.parametrize("greeting", [b"INFO null\r\n", b"INFO " + bytes(100_000), b"HTTP/1.1 400\r\n\r\n"])
async def test_what_is_not_nats_is_an_outage_like_any_other(tmp_path: Path, greeting: bytes) -> None:
    met = asyncio.Event()

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        writer.close()
        met.set()

    server = NatsServer(tmp_path, free_port())
    impostor = await asyncio.start_server(greet, "127.0.0.1", server.port)
    with pytest.raises(BusDown, match="cannot connect"):
        await NatsBus.connect(Nats(url=server.url), "test")
    met.clear()
    bus = NatsBus.start(Nats(url=server.url), "test")
    restored = Restored(bus)
    await asyncio.wait_for(met.wait(), SOON)
    await accept_no_more(impostor)
    impostor.close()
    await impostor.wait_closed()
    async with running(server):
        await until(restored.is_back)
        await bus.flush(SOON)
        await bus.close()


async def test_why_it_does_not_connect_is_told_once_for_each_kind_of_reason(tmp_path: Path) -> None:
    server = NatsServer(tmp_path, free_port(), password="right")

    def told(*levels: str) -> list[str]:
        return [
            line["error"] for line in logs if line["event"] == "bus is away" and line["log_level"] in levels
        ]

    def refused_twice() -> bool:
        return len(told("warning", "debug")) >= 2

    def unauthorized_twice() -> bool:
        return len([error for error in told("warning", "debug") if "Authorization" in error]) >= 2

    with capture_logs() as logs:
        bus = NatsBus.start(Nats(url=server.url.replace("right", "wrong")), "test")
        await until(refused_twice)
        async with running(server):
            await until(unauthorized_twice)
        await bus.close()
    away, *others = told("warning")
    assert "ConnectionRefused" in away
    # The server may be gone before it could be read what it said: those are other kinds, in between.
    kinds = [re.sub(r".* at \S+: (\w+)\(.*", r"\1", why) for why in others]
    assert any("Authorization" in why for why in others)
    assert all(one != next_one for one, next_one in pairwise(kinds)), others
    assert not any("wrong" in why for why in others)


@pytest.mark.parametrize(
    ("told", "why"),
    [(b"Slow Consumer", "slow_consumer"), (b"Stale Connection", "stale"), (b"Maximum Nonsense", "other")],
)
async def test_lost_connections_are_counted_with_what_the_server_said(
    tmp_path: Path, told: bytes, why: str
) -> None:
    server = NatsServer(tmp_path, free_port())
    asked = asyncio.Event()
    visits: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """As nats-server does for one client that talks to itself."""
        visits.append(writer)
        writer.write(b'INFO {"max_payload":1048576,"headers":true}\r\n')
        while line := await reader.readline():
            words = line.split()
            if words[0] == b"PING":
                writer.write(b"PONG\r\n")
            elif words[0] == b"PUB":
                payload = await reader.readexactly(int(words[-1]) + 2)
                writer.write(b"MSG %s 1 %s\r\n" % (words[1], words[-1]) + payload)
                asked.set()
        writer.close()

    impostor = await asyncio.start_server(serve, "127.0.0.1", server.port)
    registry = CollectorRegistry()
    bus = await NatsBus.connect(Nats(url=server.url), "test", BusMetrics(registry))
    restored = Restored(bus)
    await asked.wait()
    visits[0].write(b"-ERR '%s'\r\n" % told)
    await until(restored.is_back)
    assert registry.get_sample_value("danmaku_bus_lost_total", {"why": why}) == 1
    assert registry.get_sample_value("danmaku_bus_reconnects_total") == 1
    await bus.close()
    impostor.close()
    for visit in visits:
        visit.close()
    await impostor.wait_closed()


async def test_closing_in_an_outage(server: Running, bus: NatsBus) -> None:
    await bus.subscribe("a", Inbox())
    server.kill()
    await bus.close()
    assert not bus.connected


async def test_a_receiver_that_fails_stops_nobody(bus: NatsBus) -> None:
    def fail(payload: bytes, reply: str) -> None:
        raise RuntimeError("a defect of the receiver")

    inbox = Inbox()
    await bus.subscribe("a", fail)
    await bus.subscribe("a", inbox)
    await bus.publish("a", b"1")
    await bus.publish("a", b"2")
    assert await inbox.has(2) == [b"1", b"2"]


async def test_an_outage_of_the_twin() -> None:
    bus, inbox = MemoryBus(), Inbox()
    restored = Restored(bus)
    await bus.subscribe("a", inbox)
    waiting = asyncio.ensure_future(bus.request("a", b"?", 600))
    await inbox.has(1)
    bus.connected = False
    with pytest.raises(BusDown, match="lost"):
        await waiting
    with pytest.raises(BusDown):
        await bus.publish("a", b"stale")
    bus.connected = True
    await bus.publish("a", b"fresh")
    assert await inbox.has(2) == [b"?", b"fresh"]
    assert restored.times == 1
