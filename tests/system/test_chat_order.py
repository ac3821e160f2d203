"""Order under fire: many speak at once, in a group and in pairs, while one of each kind of process is killed.

What is checked is what clients were told and what they saw, against what can be read back in the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.system.devices import Device, call, check, read_back, until_all_saw
from tests.system.fleet import Fleet, fleet

SPEAKERS = 20
TO_GROUP = 500  # messages of each of them
PAIRS = 50
IN_PAIR = 20  # messages of each of the two
TEAM = "g:team"


@pytest.mark.timeout(400)
async def test_order_under_fire(tmp_path: Path) -> None:
    all_kept = "100000"  # to be read back
    async with fleet(tmp_path, DANMAKU_CHAT_GROUP_MESSAGES=all_kept) as whole, AsyncExitStack() as stack:
        here, there = whole.edges
        speakers = [Device(whole, (here, there)[n % 2], f"s{n:02}") for n in range(SPEAKERS)]
        pairs = [(Device(whole, here, f"a{n:02}"), Device(whole, there, f"b{n:02}")) for n in range(PAIRS)]
        devices = [*speakers, *(device for pair in pairs for device in pair)]
        for device in devices:
            await stack.enter_async_context(device.client)
        group = {"gid": "team", "name": "Team", "members": [device.uid for device in speakers[1:]]}
        await call(whole, here, speakers[0].uid, "POST", "/v1/groups", group)
        following = [asyncio.create_task(device.follow()) for device in devices]
        speaking = [asyncio.create_task(one.speak(TEAM, TO_GROUP)) for one in speakers]
        for one, other in pairs:
            speaking += [asyncio.create_task(one.speak(other.uid, IN_PAIR))]
            speaking += [asyncio.create_task(other.speak(one.uid, IN_PAIR))]

        spoken = SPEAKERS * TO_GROUP + 2 * PAIRS * IN_PAIR
        for share, kill in enumerate(_kills(whole), 1):
            await _until_acked(devices, spoken * share // 6, speaking)
            await kill()
        await asyncio.gather(*speaking)

        members = {TEAM: {one.uid for one in speakers}}
        members |= {f"p:{one.uid}:{other.uid}": {one.uid, other.uid} for one, other in pairs}
        await whole.until_ready(here)
        stored = {conv: await read_back(whole, here, min(uids), conv) for conv, uids in members.items()}
        lengths = {conv: len(messages) for conv, messages in stored.items()}
        await until_all_saw(devices, lengths, members)
        looked = check(devices, stored, members)
        assert looked["stored"] == looked["acknowledged"] == spoken
        assert sum(one.stream.missed for one in devices if one.stream is not None) == 0
        print(dict(looked))
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)


def _kills(whole: Fleet) -> list[Callable[[], Awaitable[None]]]:
    """One of each kind, and back again."""

    async def an_edge() -> None:
        whole.edges[0].kill()
        whole.edges[0].start()

    async def a_rooms_process() -> None:
        whole.rooms[0].kill()
        whole.rooms[0].start()

    async def nats() -> None:
        whole.nats.kill()
        await whole.start_server(whole.nats)

    async def valkey() -> None:
        whole.valkey.kill()
        await whole.start_server(whole.valkey)

    return [an_edge, a_rooms_process, nats, valkey]


async def _until_acked(devices: list[Device], count: int, speaking: list[asyncio.Task[None]]) -> None:
    async with asyncio.timeout(200):
        while sum(len(device.acked) for device in devices) < count:
            for task in speaking:
                if task.done():
                    task.result()
            await asyncio.sleep(0.02)
