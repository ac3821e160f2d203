"""Clients that know several edges, or ask for them, go on at another one when theirs dies or is stopped."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from danmaku.client import Client, Comment, Room, Timing
from danmaku.client.edges import asking
from danmaku.model import Role
from tests.system.fleet import Edge, fleet
from tests.waiting import until

_EACH = 3
_SOON = Timing(first_retry=0.1, most_retry=1.0)


async def follow(room: Room, seen: list[str]) -> None:
    async for item in room:
        seen += [item.text] if isinstance(item, Comment) else []


async def until_told(edge: Edge, places: set[str]) -> None:
    """Until the edge names these to who asks where to connect."""
    ask, told = asking("", 5.0), set[str]()
    async with asyncio.timeout(30):
        while told != places:
            await asyncio.sleep(0.1)
            told = set(await ask(edge.ws))


async def test_whoever_loses_its_edge_goes_on_at_another_and_misses_nothing(tmp_path: Path) -> None:
    async with fleet(tmp_path, edges=2, rooms=1) as whole, AsyncExitStack() as stack:
        first, second = whole.edges
        await until_told(first, {first.ws, second.ws})
        clients = [Client([first.ws, second.ws], timing=_SOON) for _ in range(_EACH)]
        clients += [Client(first.url, find=True, timing=_SOON) for _ in range(_EACH)]
        seen: list[list[str]] = [[] for _ in clients]
        for client, mine in zip(clients, seen, strict=True):
            await stack.enter_async_context(client)
            following = asyncio.create_task(follow(await client.join("r"), mine))
            stack.callback(following.cancel)
        said: list[str] = []

        async def say(edge: Edge) -> None:
            token = whole.token("ann", Role.STREAMER)
            async with Client(edge.ws, token=token, timing=_SOON) as ann:
                room = await ann.join("r")
                for _ in range(5):
                    said.append(str(len(said)))
                    assert (await room.send(said[-1], timeout_s=20)).shown
            await until(lambda: all(one == said for one in seen), 30)

        await say(first)
        await asyncio.to_thread(first.kill)
        await say(second)
        first.start()
        await whole.until_ready(first)
        await until_told(first, {first.ws, second.ws})
        assert await asyncio.to_thread(second.stop) == 0
        await say(first)
