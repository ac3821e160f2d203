"""Several servers for bus and store: one of each dies under load, and nothing acknowledged is lost.

What is checked is what clients wrote down, by tests/system/checker.py and tests/system/devices.py.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.engines import nats_cluster, valkey_cluster
from tests.system.checker import Item, check, history_in
from tests.system.clients import Sender, Viewer
from tests.system.devices import Device, call, read_back, until_all_saw
from tests.system.devices import check as check_chat
from tests.system.fleet import ClusterFleet, cluster_fleet

ROOMS = [f"room-{number}" for number in range(12)]  # on all servers of the store
SENDERS, COMMENTS, VIEWERS = 3, 240, 6
SECONDS = 12.0
CALM_S = 2.0
PAIRS, IN_PAIR = 4, 60
TEAM = "g:team"
RESUMED_S = 15.0  # at the very most, on a machine that does much else
CAUGHT_UP_S = 20.0

History = dict[str, list[Item]]


class Everybody:
    """Who watches, sends and chats in the run."""

    def __init__(self, whole: ClusterFleet) -> None:
        here, there = whole.edges
        urls = [here.ws, there.ws]
        self.viewers = [
            Viewer(f"v{n}", ("msgpack", "json")[n % 2], urls[n % 2 :] + urls[: n % 2], ROOMS)
            for n in range(VIEWERS)
        ]
        self.senders = [Sender(f"s{n}", urls, whole.token(f"s{n}")) for n in range(SENDERS)]
        self.pairs = [(Device(whole, here, f"a{n}"), Device(whole, there, f"b{n}")) for n in range(PAIRS)]
        self.devices = [device for pair in self.pairs for device in pair]
        self.members = {f"p:{one.uid}:{other.uid}": {one.uid, other.uid} for one, other in self.pairs}
        self.members[TEAM] = {device.uid for device in self.devices}
        self._following: list[asyncio.Task[None]] = []

    async def come(self, whole: ClusterFleet, stack: AsyncExitStack) -> None:
        for device in self.devices:
            await stack.enter_async_context(device.client)
        first, *others = self.devices
        group = {"gid": "team", "name": "Team", "members": [device.uid for device in others]}
        await call(whole, whole.edges[0], first.uid, "POST", "/v1/groups", group)
        self._following = [asyncio.create_task(device.follow()) for device in self.devices]
        self._following += [asyncio.create_task(viewer.run()) for viewer in self.viewers]
        async with asyncio.timeout(60):
            for viewer in self.viewers:
                await viewer.joined.wait()

    async def say(self) -> None:
        """Everything; until all of it is acknowledged."""
        async with asyncio.TaskGroup() as tasks:
            for n, sender in enumerate(self.senders):
                tasks.create_task(sender.say(ROOMS[n:] + ROOMS[:n], COMMENTS, SECONDS))
            for one, other in self.pairs:
                tasks.create_task(one.speak(other.uid, IN_PAIR))
                tasks.create_task(other.speak(one.uid, IN_PAIR))
                tasks.create_task(one.speak(TEAM, IN_PAIR))

    async def until_all_flow(self, since: float) -> float:
        """Return when something was acknowledged in every room since then; how long that took."""
        async with asyncio.timeout(RESUMED_S):
            while self._flowing(since) < set(ROOMS):  # noqa: ASYNC110  many things at once
                await asyncio.sleep(0.05)
        return time.monotonic() - since

    async def catch_up(self, history: History) -> None:
        """Return when nothing is missing, or what is still missing does not come."""
        deadline = time.monotonic() + CAUGHT_UP_S
        while self._miss(history) and time.monotonic() < deadline:  # noqa: ASYNC110  many things at once
            await asyncio.sleep(0.1)

    def _miss(self, history: History) -> bool:
        followed = (item for viewer in self.viewers for item in viewer.rooms.items())
        return any(len(follower.log) < len(history[room]) for room, follower in followed)

    async def go(self) -> None:
        for task in self._following:
            task.cancel()
        await asyncio.gather(*self._following, return_exceptions=True)

    def _flowing(self, since: float) -> set[str]:
        attempts = (one for sender in self.senders for one in sender.attempts)
        return {one.room for one in attempts if one.answer == "shown" and one.sent_s > since}


@pytest.mark.timeout(180)
async def test_nothing_acknowledged_is_lost_when_servers_of_bus_and_store_die(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        bus = await stack.enter_async_context(nats_cluster(tmp_path / "nats"))
        servers = valkey_cluster(tmp_path / "store", primaries=3, servers=6, cluster_node_timeout="1500")
        store = await stack.enter_async_context(servers)
        whole = await stack.enter_async_context(cluster_fleet(tmp_path, bus, store))
        everybody = Everybody(whole)
        await everybody.come(whole, stack)
        saying = asyncio.create_task(everybody.say())
        await asyncio.sleep(CALM_S)
        store.nodes[0].kill()  # its replica has what is acknowledged; of chat nothing is until it is back
        after_store_s = await everybody.until_all_flow(time.monotonic())
        bus.nodes[0].kill()
        after_bus_s = await everybody.until_all_flow(time.monotonic())
        store.nodes[0].start()
        bus.nodes[0].start()
        try:
            async with asyncio.timeout(60):
                await saying
        except TimeoutError:
            pytest.fail(f"not all was taken in time\n{whole.said[-20_000:]}")
        print(
            f"\nall rooms again {after_store_s:.1f} s after the store's, {after_bus_s:.1f} s after the bus's"
        )
        await judge_rooms(whole, everybody)
        await judge_chat(whole, everybody)
        await everybody.go()


async def judge_rooms(whole: ClusterFleet, everybody: Everybody) -> None:
    def read() -> History:
        with whole.store() as store:
            return history_in(store, ROOMS)

    history = await asyncio.to_thread(read)
    await everybody.catch_up(history)
    acknowledged = [one for sender in everybody.senders for one in sender.acknowledged]
    logs = {
        viewer.name: {room: follower.log for room, follower in viewer.rooms.items()}
        for viewer in everybody.viewers
    }
    report = check(acknowledged, logs, history)
    print(report)
    assert report.acknowledged == SENDERS * COMMENTS
    assert not report.problems, "\n".join([*report.problems[:40], whole.said[-20_000:]])


async def judge_chat(whole: ClusterFleet, everybody: Everybody) -> None:
    edge, members = whole.edges[0], everybody.members
    stored = {conv: await read_back(whole, edge, min(uids), conv) for conv, uids in members.items()}
    lengths = {conv: len(messages) for conv, messages in stored.items()}
    await until_all_saw(everybody.devices, lengths, members)
    looked = check_chat(everybody.devices, stored, members)
    print(dict(looked))
    assert looked["stored"] == looked["acknowledged"] == PAIRS * 3 * IN_PAIR
