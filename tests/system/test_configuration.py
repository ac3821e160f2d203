"""Settings change while a service of two edges and two rooms processes runs, by an admin and by its file."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from danmaku.cli import app
from danmaku.client import Client
from danmaku.errors import Refusal
from danmaku.model import Role
from tests.system.deployment import call
from tests.system.fleet import Edge, Fleet, fleet

PATH = "/v1/admin/config"
DEADLINE_S = 30.0


class Service:
    """What of settings can be seen from outside."""

    def __init__(self, parts: Fleet) -> None:
        self.parts = parts
        self.root = parts.token("root", Role.ADMIN)
        self.rooms = ["r"]  # one of each rooms process

    async def look_for_rooms(self) -> None:
        """A room of each rooms process."""
        found: dict[str, str] = {}
        for number in range(100):
            found.setdefault((await self.parts.owner(f"r{number}")).name, f"r{number}")
            if len(found) == len(self.parts.rooms):
                break
        self.rooms = list(found.values())

    async def ask(
        self, method: str, path: str, body: Any = None, token: str | None = None
    ) -> tuple[int, Any]:
        url = self.parts.edges[0].url + path
        return await asyncio.to_thread(call, method, url, body, token or self.root)

    async def run(self, *words: str) -> Any:
        given = ["--url", self.parts.edges[0].url, "--token", self.root, "--json"]
        ended = await asyncio.to_thread(CliRunner().invoke, app, [*words, *given])
        assert ended.exit_code == 0, ended.output
        return json.loads(ended.stdout)

    async def is_at(self, version: int) -> bool:
        """Each of its processes says so."""
        _, fleet = await self.ask("GET", "/v1/fleet")
        told = [one["adjusted"] for one in (*fleet["edges"], *fleet["rooms"]) if not one.get("leaving")]
        return told == [version] * (len(self.parts.rooms) + len(self.parts.edges))

    async def longest(self, room: str) -> int:
        """Of the lengths that are tried, which may be said in a room."""
        lengths = 50, 20, 10
        for length in lengths:
            body = {"kind": "comment", "text": os.urandom(length // 2).hex(), "cid": os.urandom(8).hex()}
            status, answer = await self.ask("POST", f"/v1/rooms/{room}/messages", body)
            if status == 200:
                return length
            assert answer["error"]["error"] == "too_long", answer
        return 0

    async def joinable(self, edge: Edge) -> int:
        """In how many of two rooms one may be at an edge."""
        async with Client(edge.ws) as client:
            await client.join("r")
            try:
                await client.join("s")
            except Refusal:
                return 1
            return 2

    async def goes_by(self, longest: int, joinable: int) -> bool:
        """Each of its processes."""
        seen = [await self.longest(room) for room in self.rooms]
        seen += [await self.joinable(edge) for edge in self.parts.edges]
        return seen == [longest] * len(self.rooms) + [joinable] * len(self.parts.edges)


async def until(done: Callable[[], Awaitable[bool]], what: str) -> float:
    """Seconds until it was so."""
    begin = time.monotonic()
    while not await done():
        assert time.monotonic() - begin < DEADLINE_S, f"not in time: {what}"
    return time.monotonic() - begin


@pytest.mark.timeout(180)
async def test_settings_change_everywhere_while_it_runs(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text("[policy]\nmax_length = 50\n[edge]\nrooms_per_connection = 4\n")
    async with (
        fleet(tmp_path, DANMAKU_CONFIG=str(file), DANMAKU_LOG_LEVEL="info") as parts,
        AsyncExitStack() as stack,
    ):
        service = Service(parts)
        await service.look_for_rooms()
        viewers = [await stack.enter_async_context(Client(edge.ws)) for edge in parts.edges]
        sessions = [viewer.session for viewer in viewers]
        assert await service.goes_by(50, 2)
        shown = (await service.run("config", "list"))["settings"]
        assert shown["policy.max_length"] == {
            "value": 50, "origin": "file", "allowed": "a whole number from 1 to 10000", "passed_over": None,
        }  # fmt: skip
        assert shown["policy.slow_s"]["origin"] == "default"

        await refused(service)
        body = {"values": {"policy.max_length": 10, "edge.rooms_per_connection": 1}, "reason": "a test"}
        status, version = await service.ask("PATCH", PATH, {**body, "expected": 0})
        assert (status, version["version"], version["values"]) == (200, 1, body["values"])
        took = await until(lambda: service.goes_by(10, 1), "all go by what is adjusted")
        print(f"\nall four processes were seen to go by it {took:.2f} s after the answer")

        assert parts.rooms[-1].stop() == 0
        parts.rooms[-1].start()
        await parts.until_shared()
        await service.look_for_rooms()
        await parts.until_ready(parts.add_edge())
        assert await service.goes_by(10, 1), "those that start later have it from their first moment"

        await until(lambda: service.is_at(1), "all tell so")
        assert (await service.run("config", "set", "policy.max_length", "20"))["version"] == 2
        await until(lambda: service.goes_by(20, 1), "only that has changed")
        assert (await service.run("config", "rollback", "1"))["values"] == body["values"]
        await until(lambda: service.goes_by(10, 1), "it is as it was")
        keys = "policy.max_length", "edge.rooms_per_connection"
        assert (await service.run("config", "unset", *keys))["values"] == {}
        await until(lambda: service.goes_by(50, 2), "the files count again")
        history = (await service.run("config", "history"))["versions"]
        assert [(one["version"], one["of"]) for one in history] == [(4, None), (3, 1), (2, None), (1, None)]
        record = (await service.run("mod", "audit", "--everywhere"))["entries"]
        assert [entry["verb"] for entry in record] == ["adjust", "adjust", "roll_back", "adjust"]
        assert record[0]["reason"] == "a test"

        await by_its_file(service, file)
        assert [viewer.session for viewer in viewers] == sessions, "nobody was disconnected"


async def refused(service: Service) -> None:
    """Nothing of a call is done of which something is wrong."""
    good = {"policy.max_length": 10}
    for body, status, name, told in (
        (
            {"values": {**good, "policy.slow_s": -1}},
            400,
            "bad_frame",
            "policy.slow_s = -1: must be a whole number",
        ),
        ({"values": {**good, "policy.slow": 1}}, 400, "bad_frame", "did you mean policy.slow_s?"),
        ({"values": {**good, "edge.port": 1}}, 409, "needs_restart", "edge.port"),
        ({"values": good, "expected": 7}, 409, "conflict", "version 0"),
    ):
        answered, answer = await service.ask("PATCH", PATH, body)
        assert (answered, answer["error"]["error"]) == (status, name), answer
        assert told in answer["error"]["message"]
    answered, answer = await service.ask("POST", f"{PATH}/rollback", {"version": 3})
    assert (answered, answer["error"]["error"]) == (404, "no_such_version")
    token = service.parts.token("eve", Role.STREAMER)
    assert (await service.ask("PATCH", PATH, {"values": good}, token))[0] == 403
    assert (await service.run("config", "list"))["newest"]["version"] == 0


async def by_its_file(service: Service, file: Path) -> None:
    """Each process reads it again when it is told to, and what is adjusted stands above it."""
    parts = [*service.parts.rooms, *service.parts.edges]

    async def reread(text: str, said: str) -> None:
        file.write_text(text)
        before = [part.said.count(said) for part in parts]
        for part in parts:
            os.kill(part.pid, signal.SIGHUP)

        async def told() -> bool:
            await asyncio.sleep(0.05)
            return all(part.said.count(said) > count for part, count in zip(parts, before, strict=True))

        await until(told, said)

    await reread("[policy]\nmax_length = 20\n[edge]\nrooms_per_connection = 1\n", "settings were read again")
    assert await service.goes_by(20, 1)
    await reread("[policy]\nmax_length = 0\n[edge]\nrooms_per_connection = 4\n", "settings stay as they are")
    assert await service.goes_by(20, 1)
    await service.run("config", "set", "policy.max_length", "10")
    await until(lambda: service.goes_by(10, 1), "all go by what is adjusted")
    await reread(
        "[policy]\nmax_length = 50\n[edge]\nrooms_per_connection = 4\n",
        "adjusted_above='policy.max_length = 50 is passed over for 10'",
    )
    assert await service.goes_by(10, 2)
