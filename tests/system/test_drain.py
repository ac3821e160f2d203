"""`danmaku drain`: viewers move to another edge worker, and nobody misses anything."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

from danmaku.client import Client, Comment, Room
from tests import waiting
from tests.system.deployment import Deployment, danmaku, serving, until

PEOPLE = 12


def edges(service: Deployment) -> dict[str, Any]:
    fleet = service.caller(service.token("root", "admin")).get("/v1/fleet")
    return {one["edge"]: one for one in fleet["edges"]}


def both(service: Deployment) -> list[str]:
    """Their names, once each of them, whichever takes the call, has heard of both."""
    until(lambda: all(len(edges(service)) == 2 for _ in range(20)), "both edges tell of themselves")
    return sorted(edges(service))


def moved(service: Deployment, edge: str) -> bool:
    until(lambda: edges(service)[edge]["connections"] == PEOPLE, "all viewers are at the other edge")
    return True


async def run(service: Deployment, *words: str) -> Any:
    ended = await asyncio.to_thread(danmaku, *words, "--data", str(service.data.path), "--json")
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


async def test_viewers_move_and_miss_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path, "--workers", "2") as service, AsyncExitStack() as stack:
        seen: list[list[str]] = []
        for _ in range(PEOPLE):
            client = await stack.enter_async_context(Client(service.ws))
            seen.append([])
            following = asyncio.create_task(follow(await client.join("r"), seen[-1]))
            stack.callback(following.cancel)
        token, done = service.token("ann", "streamer", "r"), asyncio.Event()

        async def talk() -> list[str]:
            said: list[str] = []
            while not done.is_set():
                await asyncio.to_thread(service.post, "r", str(len(said)), token)
                said.append(str(len(said)))
            return said

        talking = asyncio.create_task(talk())
        stack.callback(done.set)
        first, second = await asyncio.to_thread(both, service)
        for word, text in (
            ("nobody", "no edge is called nobody"),
            ("edge-", "several edges begin so: edge-1-"),
        ):
            # edges are heard of now and then, so not always while a busy machine stands still
            await waiting.until(partial(asyncio.to_thread, refused, service, word, text))
        for _ in range(2):
            (report,) = await run(service, "drain", first, "--last", "--seconds", "1")
            assert (report["draining"], report["connections"]) == (True, 0)
            assert await asyncio.to_thread(moved, service, second)
            ended = await asyncio.to_thread(danmaku, "drain", second, "--data", str(service.data.path))
            assert ended.returncode == 1
            assert "no other edge takes newcomers" in ended.stderr
            assert not (await run(service, "drain", first, "--undo"))[0]["draining"]
            first, second = second, first
        done.set()
        texts = await talking
        await waiting.until(lambda: all(len(one) >= len(texts) for one in seen), 20)
        for one in seen:
            assert one[: len(texts)] == texts


def refused(service: Deployment, word: str, text: str) -> bool:
    """Whether `danmaku drain` says so of an edge that it does not drain."""
    ended = danmaku("drain", word, "--data", str(service.data.path))
    assert ended.returncode == 1
    return text in ended.stderr


async def follow(room: Room, seen: list[str]) -> None:
    async for item in room:
        seen += [item.text] if isinstance(item, Comment) else []
