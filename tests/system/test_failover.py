"""The primary of the store is killed while people chat; a replica takes over, and they notice little."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from danmaku.servers import Running
from tests.engines import caught_up, primaries_of
from tests.faults.whole import SeveralFleet, whole_service
from tests.system.devices import Device, check, read_back, until_all_saw
from tests.system.lateness import Lateness
from tests.talking import Talking

pytestmark = pytest.mark.long

PAIRS = 9  # so that some are on each server of a cluster
EVERY_S = 0.05
CALM_S = 1.5
AFTER_S = 2.0  # chat resumes so long after the failover
TICK_S = 0.02
MOST_S = 30.0


class Talk(Talking):
    """Says one message after the other to somebody, each until it is taken. `taken_s`: when each was."""

    def __init__(self, device: Device, target: str) -> None:
        super().__init__()
        self.taken_s: list[float] = []
        self._device = device
        self._target = target

    async def talk(self) -> None:
        while self.is_to_go_on:
            cid = f"c-{len(self.taken_s)}"
            said = await self._device.client.chat.send(self._target, cid, cid=cid, timeout_s=MOST_S)
            self._device.acked[cid] = said.conv, said.seq
            self.taken_s.append(time.monotonic())
            await asyncio.sleep(EVERY_S)


async def replaced(whole: SeveralFleet, others: list[Running]) -> float:
    """When one that was no primary before is one; monotonic."""
    async with asyncio.timeout(MOST_S):
        while not any(node not in others for node in await primaries_of(whole.replicated)):  # noqa: ASYNC110  no event
            await asyncio.sleep(TICK_S)
    return time.monotonic()


async def all_go_on(talks: list[Talk]) -> float:
    """When something that was begun from now on was taken in each of them; monotonic."""
    least = [len(talk.taken_s) + 2 for talk in talks]  # one may have been under way
    async with asyncio.timeout(MOST_S):
        while any(len(talk.taken_s) < count for talk, count in zip(talks, least, strict=True)):  # noqa: ASYNC110
            await asyncio.sleep(TICK_S)
    return max(talk.taken_s[count - 1] for talk, count in zip(talks, least, strict=True))


@pytest.mark.timeout(180)
@pytest.mark.parametrize("kind", ["sentinel", "cluster"])
async def test_chat_resumes_soon_after_the_failover_and_nothing_acknowledged_is_lost(
    kind: str, tmp_path: Path
) -> None:
    async with whole_service(kind, tmp_path, {}, servers=7) as whole, AsyncExitStack() as stack:
        assert isinstance(whole, SeveralFleet)
        here, there = whole.edges
        pairs = [(Device(whole, here, f"a{n}"), Device(whole, there, f"b{n}")) for n in range(PAIRS)]
        devices = [device for pair in pairs for device in pair]
        for device in devices:
            await stack.enter_async_context(device.client)
        talks = [Talk(one, other.uid) for one, other in pairs]
        lateness = Lateness()
        following = [asyncio.create_task(device.follow()) for device in devices]
        following.append(asyncio.create_task(lateness.watch()))
        for talk in talks:
            talk.begin()
        await asyncio.sleep(CALM_S)
        for talk in talks:
            await talk.end()
        await caught_up(whole.replicated.nodes[0])  # or the replica that was not waited for may take over

        before = await primaries_of(whole.replicated)
        whole.replicated.nodes[0].kill()
        killed_s = time.monotonic()
        for talk in talks:
            talk.begin()
        failover_s = await replaced(whole, before) - killed_s
        resumed_s = await all_go_on(talks) - killed_s
        for talk in talks:
            await talk.end()
        print(f"\n{kind}: failover {failover_s:.1f} s, chat again in all conversations {resumed_s:.1f} s")

        members = {f"p:{one.uid}:{other.uid}": {one.uid, other.uid} for one, other in pairs}
        stored = {conv: await read_back(whole, here, min(uids), conv) for conv, uids in members.items()}
        await until_all_saw(devices, {conv: len(seen) for conv, seen in stored.items()}, members)
        looked = check(devices, stored, members)
        assert looked["acknowledged"] == sum(len(talk.taken_s) for talk in talks) > 0
        assert resumed_s <= failover_s + AFTER_S + 2 * lateness.worst_s
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
