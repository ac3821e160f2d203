"""One device, several connections: over two edges and two rooms processes the newest one is left."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import urllib.request
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from danmaku import wire
from danmaku.client import Client, Refusal, Room
from tests.system.deployment import until
from tests.system.fleet import Edge, Fleet, fleet
from tests.viewer import Viewer, viewer

HALF_OPEN = """
import sys
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

url, hello = sys.argv[1:]
socket = connect(url, subprotocols=["danmaku.v1.json"])
socket.send(hello)
print(socket.recv(), flush=True)
try:
    while True:
        socket.recv()
except ConnectionClosed as closed:
    print(closed.rcvd and closed.rcvd.code, flush=True)
"""


def hello(whole: Fleet, n: int | None, device: str | None = "tv", uid: str = "ann") -> wire.Hello:
    return wire.Hello(1, token=whole.token(uid), device=device, n=n)


def connections(edge: Edge) -> int:
    with urllib.request.urlopen(f"{edge.url}/metrics", timeout=5) as answer:  # noqa: S310  our own http
        found = re.search(r"^danmaku_edge_connections(?:\{.*\})? ([0-9.]+)$", answer.read().decode(), re.M)
    assert found
    return int(float(found[1]))


async def test_the_newest_connection_of_a_device_is_left(tmp_path: Path) -> None:
    async with fleet(tmp_path) as whole, AsyncExitStack() as stack:
        here, there = whole.edges

        async def come(edge: Edge, said: wire.Hello) -> Viewer:
            one = await stack.enter_async_context(viewer(edge.port))
            await one.ok(said)
            return one

        tabs = [await come(edge, hello(whole, None)) for edge in (here, there, here)]
        guests = [await come(edge, wire.Hello(1, device="tv", n=n)) for edge, n in ((here, 1), (there, 2))]
        first = await come(here, hello(whole, 1))
        await first.ok(wire.Join(2, "lobby"))
        second = await come(there, hello(whole, 2))
        assert await first.ended() == 4409
        third = await come(there, hello(whole, 3))
        assert await second.ended() == 4409
        for edge in whole.edges:
            async with viewer(edge.port) as stale:
                assert await stale.turned_away(hello(whole, 2), "conflict") == 4409
        for one in (*tabs, *guests, third):
            await one.ok(wire.Ping(3))


async def test_of_two_hellos_at_once_the_higher_n_is_left(tmp_path: Path) -> None:
    async with fleet(tmp_path) as whole:
        for number in range(20):
            async with viewer(whole.edges[0].port) as low, viewer(whole.edges[1].port) as high:
                both = [
                    low.say(hello(whole, 1, uid=f"u{number}")),
                    high.say(hello(whole, 2, uid=f"u{number}")),
                ]
                await asyncio.gather(*(both if number % 2 else reversed(both)))
                assert isinstance(await high.answer(1), wire.Ok)
                assert await low.ended() == 4409
                await high.ok(wire.Ping(3))


async def test_a_client_that_hangs_is_replaced(tmp_path: Path) -> None:
    """It reads why as soon as it goes on."""
    async with fleet(tmp_path) as whole:
        here, there = whole.edges
        said = wire.JSON.encode(hello(whole, 1)).decode()
        argv = [sys.executable, "-c", HALF_OPEN, here.ws, said]
        hanging = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
        assert hanging.stdout is not None
        try:
            assert b'"t":"ok"' in await hanging.stdout.readline()
            os.kill(hanging.pid, signal.SIGSTOP)
            await asyncio.to_thread(until, lambda: connections(here) == 1, "it is counted")
            async with viewer(there.port) as newer:
                await newer.ok(hello(whole, 2))
                await asyncio.to_thread(until, lambda: connections(here) == 0, "the edge let it go")
                os.kill(hanging.pid, signal.SIGCONT)
                assert (await hanging.stdout.readline()).strip() == b"4409"
                await newer.ok(wire.Ping(3))
        finally:
            hanging.kill()
            await hanging.wait()


async def read_to_the_end(room: Room) -> None:
    async with asyncio.timeout(20):
        async for _ in room:
            pass


async def test_a_client_that_was_replaced_is_over(tmp_path: Path) -> None:
    async with fleet(tmp_path) as whole:
        here, there = whole.edges
        token = whole.token("ann")
        async with Client(here.url, token=token, device="tv") as old:
            room = await old.join("lobby")
            async with (
                Client(there.url, token=token, device="tv") as new,
                Client(here.url, token=token) as other,
            ):
                with pytest.raises(Refusal, match="conflict: replaced by a newer connection of this device"):
                    await read_to_the_end(room)
                with pytest.raises(Refusal, match="replaced"):
                    await old.ping()
                assert await new.ping()
                assert await other.ping(), "a client without a device given is one of its own"
