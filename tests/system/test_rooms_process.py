"""`python -m rooms` as a process of its own, on real servers."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from secrets import token_hex
from unittest.mock import ANY
from urllib.request import urlopen

import pytest

from config.settings import Nats
from danmaku import envelope
from danmaku.bus.nats import NatsBus
from danmaku.envelope import OwnerRequest, Owners
from danmaku.model import Role
from danmaku.rows import SendRow, Shown
from danmaku.subjects import PARTITIONS, Subjects
from tests.ports import free_port

DEADLINE_S = 60


@asynccontextmanager
async def rooms(*words: str, environment: dict[str, str] | None = None) -> AsyncIterator[Process]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DANMAKU_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "rooms", *words, stderr=PIPE, env={**clean, **(environment or {})}
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def said(process: Process) -> tuple[int | None, str]:
    _, err = await asyncio.wait_for(process.communicate(), DEADLINE_S)
    return process.returncode, err.decode()


class Owning:
    """What rooms processes announce."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[Owners] = asyncio.Queue()

    def receive(self, payload: bytes, _: str) -> None:
        self.heard.put_nowait(envelope.decode_owners(payload))

    async def until(self, partitions: int, *, leaving: bool = False) -> Owners:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                owners = await self.heard.get()
                if len(owners.partitions) == partitions and owners.leaving is leaving:
                    return owners


async def test_it_serves_alone_and_hands_everything_back_on_sigterm(nats_url: str, store_url: str) -> None:
    prefix = f"t{token_hex(4)}"
    subjects = Subjects(prefix)
    bus = await NatsBus.connect(Nats(url=nats_url, prefix=prefix), "talker")
    owning = Owning()
    await bus.subscribe(subjects.owners, owning.receive)
    environment = {
        "DANMAKU_NATS_URL": nats_url,
        "DANMAKU_NATS_PREFIX": prefix,
        "DANMAKU_STORE_URL": store_url,
        "DANMAKU_STORE_PREFIX": prefix,
    }
    try:
        async with rooms("--set", "rooms.lease_ms=60000", environment=environment) as process:
            first = await owning.until(PARTITIONS)
            row = SendRow("a", "u1", "Uma", Role.VIEWER, "hi", "c1")
            request = envelope.encode(OwnerRequest("edge-t", 5000, [row]))
            reply = await bus.request(subjects.owner(first.process), request, 20)
            (answer,) = envelope.decode_owner_reply(reply).answers
            assert isinstance(answer, Shown)
            process.send_signal(signal.SIGTERM)
            await owning.until(0, leaving=True)
            code, err = await said(process)
            assert code == 0, err
        # A lease of a minute that was not handed back would be waited for.
        async with rooms(environment=environment):
            second = await owning.until(PARTITIONS)
            assert second.process != first.process
            reply = await bus.request(subjects.owner(second.process), request, 20)
            assert envelope.decode_owner_reply(reply).answers == [answer]
    finally:
        await bus.close()


async def test_it_tells_its_metrics_where_it_stands_alone() -> None:
    port = free_port()
    words = ["--set", "nats.url=nats://127.0.0.1:1", "--set", "store.url=unix:///nowhere"]
    words += ["--set", f"rooms.metrics_port={port}"]
    async with rooms(*words) as process:
        assert process.stderr is not None
        await asyncio.wait_for(process.stderr.readuntil(b"waiting for the store"), DEADLINE_S)
        answer = await asyncio.to_thread(urlopen, f"http://127.0.0.1:{port}/metrics", timeout=DEADLINE_S)
        with answer:
            assert b"danmaku_bus_reconnects" in answer.read()
        async with rooms(*words) as other:
            code, err = await said(other)
        assert (code, "rooms.metrics_port" in err) == (2, True), err
        process.send_signal(signal.SIGINT)
        assert await said(process) == (0, ANY)


async def test_it_stops_while_it_waits_for_servers() -> None:
    async with rooms("--set", "nats.url=nats://127.0.0.1:1", "--set", "store.url=unix:///nowhere") as process:
        assert process.stderr is not None
        line = await asyncio.wait_for(process.stderr.readuntil(b"waiting for the store"), DEADLINE_S)
        assert line
        process.send_signal(signal.SIGINT)
        code, err = await said(process)
        assert code == 0, err


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ([], ["nats.url", "DANMAKU_NATS_URL", "danmaku up"]),
        (["--set", "nats.url=nats://h:1"], ["store.url", "DANMAKU_STORE_URL"]),
        (["--set", "rooms.window=3"], ["rooms.window", "no such key"]),
        (["--set", "rooms.window_ms=0"], ["rooms.window_ms"]),
        (["--config", "/nowhere.toml"], ["/nowhere.toml"]),
        (
            ["--set", "nats.url=nats://127.0.0.1:1", "--set", "store.url=redis://127.0.0.1:1/0?colour=red"],
            ["store.url", "colour"],
        ),
    ],
    ids=["no bus", "no store", "no such key", "bad value", "no such file", "no such option"],
)
async def test_what_cannot_work_is_said_clearly(words: list[str], named: list[str]) -> None:
    async with rooms(*words) as process:
        code, err = await said(process)
    assert code == 2
    assert all(name in err for name in named), err
    assert "Traceback" not in err
