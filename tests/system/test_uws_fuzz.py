"""Random clients against a server that does everything at the wrong moment (`uws_fuzz_server`).

Every frame and every HTTP answer names whom it is for. Two numbers must be zero: misdelivered ones, and
server processes that ended by themselves. `UWS_FUZZ_SECONDS` makes it run for longer, `UWS_FUZZ_SEED`
repeats the choices of a run (not its timing).
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import time
from collections import Counter
from contextlib import suppress

from tests.system.uws_fuzz_server import TOPICS
from tests.system.uws_process import Process, running
from tests.system.uws_raw import BINARY, CLOSE, TEXT, RawClient, UpgradeRefused, encode_frame, upgrade_request

SECONDS = float(os.environ.get("UWS_FUZZ_SECONDS", "10"))
SEED = int(os.environ.get("UWS_FUZZ_SEED", str(time.time_ns() % 1_000_000)))
WORKERS = 40
VERBS = {
    "join": 15,
    "leave": 8,
    "echo": 20,
    "publish": 8,
    "publish-soon": 8,
    "publish-big": 1,
    "send-many": 8,
    "send-many-soon": 8,
    "end-me": 1,
    "end-me-soon": 1,
    "end-any": 1,
    "end-any-soon": 1,
    "raise": 1,
    "stall": 1,
}


class Fuzz:
    """The clients, and what they have counted."""

    def __init__(self, server: Process) -> None:
        self.server = server
        self.names = itertools.count()
        self.counts: Counter[str] = Counter()
        self.misdelivered: list[str] = []

    async def work(self, number: int, until: float) -> None:
        choice = random.Random(SEED + number)  # noqa: S311 - dice, not secrets
        while time.monotonic() < until and self.server.alive:
            visit = self._socket if choice.random() < 0.7 else self._requests
            with suppress(EOFError, ConnectionError, UpgradeRefused):
                await visit(choice)

    async def _socket(self, choice: random.Random) -> None:
        name = f"n{next(self.names)}"
        if choice.random() < 0.2:
            await self._vanish(choice)
        one = await RawClient.open(self.server.port, f"/ws?{name}")
        self.counts["opened"] += 1
        reading = asyncio.create_task(self._read(one, name))
        try:
            for _ in range(choice.randrange(40)):
                (verb,) = choice.choices(list(VERBS), list(VERBS.values()))
                one.send(f"{verb} {choice.choice(TOPICS)}")
                self.counts["sent"] += 1
                if choice.random() < 0.3:
                    await asyncio.sleep(choice.choice((0, 0.001, 0.01)))
            await asyncio.sleep(choice.choice((0, 0, 0.01, 0.1)))
            await self._say_goodbye(one, choice)
        finally:
            await one.leave()
            with suppress(EOFError):
                await reading

    async def _vanish(self, choice: random.Random) -> None:
        """A request whose client is gone when it is read, or nearly so."""
        one = await RawClient.connect(self.server.port)
        await asyncio.sleep(choice.choice((0, 0.002, 0.005)))
        one.send_bytes(upgrade_request("/ws?vanished"))
        await asyncio.sleep(choice.choice((0, 0, 0.001)))
        self.counts["vanished"] += 1
        await one.kill()

    async def _say_goodbye(self, one: RawClient, choice: random.Random) -> None:
        end = choice.choice(("kill", "leave", "close", "half", "garbage"))
        self.counts[end] += 1
        if end == "close":
            one.send_bytes(encode_frame((1000).to_bytes(2), CLOSE))
        elif end == "half":
            one.send_bytes(encode_frame(b"x" * 1000, BINARY)[: choice.randrange(1, 1000)])
        elif end == "garbage":
            one.send_bytes(choice.randbytes(50))
        if end in ("half", "garbage"):
            await one.writer.drain()
        if end in ("kill", "half"):
            await one.kill()

    async def _read(self, one: RawClient, name: str) -> None:
        topics: set[str] = set()
        while True:
            opcode, payload = await one.frame()
            if opcode not in (TEXT, BINARY):
                continue
            self.counts["frames"] += 1
            match payload.decode().split(" "):
                case ["to", other]:
                    right = other == name
                case ["joining", topic]:
                    right = topic in TOPICS
                    topics.add(topic)
                case ["left", topic]:
                    right = topic in TOPICS
                    topics.discard(topic)
                case ["topic", topic, _]:
                    right = topic in topics
                case _:
                    right = False
            if not right:
                self.misdelivered.append(f"{name} in {topics} got {payload[:50]!r}")

    async def _requests(self, choice: random.Random) -> None:
        one = await RawClient.connect(self.server.port)
        try:
            for _ in range(choice.randrange(1, 6)):
                await self._request(one, choice)
        finally:
            await one.leave()

    async def _request(self, one: RawClient, choice: random.Random) -> None:
        path, size = f"/n{next(self.names)}", choice.choice((0, 0, 10, 3000, 6000))
        raw = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n".encode() + b"x" * size
        whole = choice.random() < 0.85
        one.send_bytes(raw if whole else raw[: choice.randrange(1, len(raw))])
        if not whole or choice.random() < 0.2:
            await asyncio.sleep(choice.choice((0, 0.001, 0.02)))
            self.counts["aborts"] += 1
            await one.kill()
            raise EOFError
        async with asyncio.timeout(20):
            status, _, body = await one.response()
        self.counts[f"http {status}"] += 1
        if status == 200 and body != f"{path} {size}".encode():
            self.misdelivered.append(f"{path} got {body!r}")

    async def last_report(self) -> dict[str, int]:
        """When the server has seen all of them go, or what it still thinks long after."""
        deadline = time.monotonic() + 15
        while True:
            one = await RawClient.connect(self.server.port)
            one.send_bytes(b"GET /report HTTP/1.1\r\nHost: a\r\n\r\n")
            try:
                status, _, body = await one.response()
            except EOFError:  # now and then it lets nobody in
                assert time.monotonic() < deadline + 15
                status, body = 0, b""
            await one.leave()
            if status == 200:
                seen: dict[str, int] = json.loads(body)
                if (seen["connections"], seen["inside"], seen["leaving"]) == (
                    0,
                    1,
                    0,
                ) or time.monotonic() > deadline:
                    return seen
            await asyncio.sleep(0.05)


async def test_nothing_is_misdelivered_and_nothing_crashes() -> None:
    async with running("tests.system.uws_fuzz_server", {"seed": SEED}) as server:
        fuzz = Fuzz(server)
        until = time.monotonic() + SECONDS
        async with asyncio.TaskGroup() as workers:
            for number in range(WORKERS):
                workers.create_task(fuzz.work(number, until))
        crashed = not server.alive
        seen = {} if crashed else await fuzz.last_report()
        print(f"seed {SEED}: {len(fuzz.misdelivered)} misdelivered, {crashed:d} crashed")
        print("clients:", dict(fuzz.counts))
        print("server:", seen)
        status = await server.end()
    assert status == 0, server.errors
    assert not crashed
    assert fuzz.misdelivered == []
    assert seen["opened"] == seen["closed"]
    assert seen["connections"] == seen["subscribers"] == 0
    assert (seen["inside"], seen["leaving"]) == (1, 0), "who asks"
    assert fuzz.counts["frames"] > 100 * SECONDS
