"""`python -m edge` beside a real rooms process, bus and store."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import urllib.error
import urllib.request
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from secrets import token_hex
from time import time

import pytest

from config.settings import Auth
from danmaku import wire
from danmaku.auth import from_settings
from danmaku.model import Identity, Role
from tests.ports import free_port
from tests.viewer import viewer
from tests.waiting import until

SECRET = "a secret of at least thirty-two bytes"
CODECS = (wire.MSGPACK, wire.JSON)


def settings(nats_url: str, store_url: str, port: int) -> dict[str, str]:
    prefix = f"t{token_hex(4)}"
    return {
        "DANMAKU_NATS_URL": nats_url,
        "DANMAKU_NATS_PREFIX": prefix,
        "DANMAKU_STORE_URL": store_url,
        "DANMAKU_STORE_PREFIX": prefix,
        "DANMAKU_AUTH_SECRET": SECRET,
        "DANMAKU_EDGE_HOST": "127.0.0.1",
        "DANMAKU_EDGE_PORT": str(port),
        "DANMAKU_EDGE_DRAIN_S": "2",
        "DANMAKU_POLICY_REPEAT_S": "0",
    }


@asynccontextmanager
async def program(name: str, environment: dict[str, str], *arguments: str) -> AsyncIterator[Process]:
    others = {key: value for key, value in os.environ.items() if not key.startswith("DANMAKU_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", name, *arguments, env={**others, **environment}, stderr=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def status(port: int, path: str) -> int:
    """0 where nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return 0


def post(url: str, bearer: str, body: dict[str, str]) -> None:
    """Raises HTTPError."""
    headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310  it is http
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310  it is http


async def until_status(port: int, path: str, wanted: int) -> None:
    async with asyncio.timeout(60):
        while await asyncio.to_thread(status, port, path) != wanted:  # noqa: ASYNC110  it is another process
            await asyncio.sleep(0.05)


def token(uid: str, role: Role) -> str:
    return from_settings(Auth(secret=SECRET)).issue(Identity(uid, uid, role), time()).access


async def test_viewers_of_two_workers_see_a_room_live(nats_url: str, store_url: str) -> None:
    port = free_port()
    environment = settings(nats_url, store_url, port)
    async with program("rooms", environment), program("edge", environment, "--workers", "2") as edge:
        await until_status(port, "/readyz", 200)
        async with viewer(port) as ann, viewer(port, wire.JSON) as bob, viewer(port, wire.JSON) as eve:
            assert (await ann.ok(wire.Hello(0, token=token("ann", Role.STREAMER)))).role == "streamer"
            await bob.ok(wire.Hello(0, token=token("bob", Role.VIEWER)))
            await eve.ok(wire.Hello(0, token=token("eve", Role.VIEWER)))
            for one in (ann, bob, eve):
                assert one.read_history(await one.ok(wire.Join(0, "r"))) == []
            for number in range(5):
                sent = await ann.ok(wire.Send(0, "r", f"text {number}", f"c{number}"))
                assert sent.shown
                again = await ann.ok(wire.Send(0, "r", f"text {number}", f"c{number}"))
                assert (again.epoch, again.seq) == (sent.epoch, sent.seq)
            texts = [f"text {number}" for number in range(5)]
            for one in (ann, bob, eve):
                assert await one.texts(5) == texts
            await bob.ok(wire.Like(0, "r", 7))
            await until(lambda: any(s.viewers == 3 and s.likes == 7 for s in eve.all(wire.Stats)), 20)

            first = bob.all(wire.Batch)[0]
            since = await bob.ok(wire.History(0, "r", wire.At(first.epoch, 2)))
            assert bob.read_history(since) == texts[2:]
            async with viewer(port) as late:
                await late.ok(wire.Hello(0))
                assert late.read_history(await late.ok(wire.Join(0, "r"))) == texts

            kick = f"http://127.0.0.1:{port}/v1/admin/rooms/r/kicks"
            await asyncio.to_thread(post, kick, token("mod", Role.ADMIN), {"uid": "eve"})
            assert [notice.kind for notice in await eve.until(wire.Notice)] == ["kicked"]
            assert await eve.err(wire.Send(0, "r", "hi", "c")) == "not_joined"
            eve.frames.clear()

            edge.send_signal(signal.SIGTERM)
            for one in (ann, bob, eve):
                assert await one.ended() == 4000
                assert [notice.kind for notice in one.all(wire.Notice)] == ["reconnect"]
        async with asyncio.timeout(30):
            assert await edge.wait() == 0


async def test_comments_survive_the_death_of_their_owner(nats_url: str, store_url: str) -> None:
    port = free_port()
    environment = {**settings(nats_url, store_url, port), "DANMAKU_ROOMS_LEASE_MS": "1000"}
    async with (
        program("rooms", environment) as doomed,
        program("rooms", environment),
        program("edge", environment, "--workers", "1"),
    ):
        await until_status(port, "/readyz", 200)
        rooms = [f"room-{number}" for number in range(8)]  # some of them are of either process
        async with viewer(port) as ann:
            await ann.ok(wire.Hello(0, token=token("ann", Role.STREAMER)))
            for room in rooms:
                await ann.ok(wire.Join(0, room))
            for text in ("before", "after"):
                sent = await asyncio.gather(*(ann.ok(wire.Send(0, room, text, text)) for room in rooms))
                assert all(ok.shown for ok in sent)
                if text == "before":
                    doomed.kill()
            assert sorted(await ann.texts(16)) == ["after"] * 8 + ["before"] * 8


async def test_it_waits_for_a_bus_that_is_not_there_yet(store_url: str) -> None:
    port = free_port()
    environment = settings("nats://127.0.0.1:1", store_url, port)
    async with program("edge", environment, "--workers", "1") as edge:
        await until_status(port, "/healthz", 200)
        assert await asyncio.to_thread(status, port, "/readyz") == 503
        async with viewer(port) as ann:
            await ann.ok(wire.Hello(0))
        edge.terminate()
        _, said = await asyncio.wait_for(edge.communicate(), 60)
        assert edge.returncode == 0
        assert b"bus" in said


async def ends_with_words(environment: dict[str, str], *arguments: str) -> str:
    """What an edge says that does not start."""
    async with program("edge", environment, *arguments) as edge:
        _, said = await asyncio.wait_for(edge.communicate(), 60)
        assert edge.returncode == 2
        assert b"Traceback" not in said
        return said.decode()


async def test_a_start_that_cannot_work_says_why(nats_url: str, store_url: str) -> None:
    port = free_port()
    environment = settings(nats_url, store_url, port)
    assert "nats.url is not set" in await ends_with_words({**environment, "DANMAKU_NATS_URL": ""})
    assert "edge.port" in await ends_with_words(environment, "--port", "70000")
    assert "edge.drain_s" in await ends_with_words(environment, "--set", "edge.drain_s=-1")
    assert "edge.nothing" in await ends_with_words(environment, "--set", "edge.nothing=1")
    proxies = '["not-an-address"]'
    assert "not-an-address" in await ends_with_words(
        environment, "--set", f"edge.trusted_proxies={proxies}", "--workers", "1"
    )
    short = {**environment, "DANMAKU_AUTH_SECRET": "short"}
    assert "secret" in await ends_with_words(short, "--workers", "1")
    async with program("edge", environment, "--workers", "1"):
        await until_status(port, "/healthz", 200)
        for workers in ("1", "2"):
            said = await ends_with_words(environment, "--workers", workers)
            assert f"port {port}" in said


@pytest.mark.parametrize("workers", ["1", "3"])
async def test_all_workers_answer_on_one_port(nats_url: str, store_url: str, workers: str) -> None:
    port = free_port()
    environment = settings(nats_url, store_url, port)
    async with program("edge", environment, "--workers", workers) as edge:
        await until_status(port, "/healthz", 200)
        edge.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(edge.wait(), 60) == 0
