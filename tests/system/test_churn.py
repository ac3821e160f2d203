"""Clients that come and go leave nothing behind. `CHURN_CONNECTS=100000` does it in earnest.

What is compared is the state after one half of them and after the other: the first half pays for all that
a process keeps for good (arenas of the allocator, code that runs for the first time).
"""

from __future__ import annotations

import asyncio
import os
import re
from contextlib import suppress
from math import inf
from pathlib import Path

import msgpack
import pytest

from tests.system.deployment import Deployment, serving
from tests.system.uws_raw import BINARY, RawClient, encode_frame

CONNECTS = int(os.environ.get("CHURN_CONNECTS", "6000"))
AT_ONCE = 100
ROOMS = 200
USERS = 50
TOKENS: dict[str, str] = {}
GROWTH_BYTES = 4 * 1024 * 1024  # of one process; a leak of 100 bytes a connection would be 5 MB in earnest
DEADLINE_S = 60
SHORT = {  # so that what is remembered for a time is the same after one half and after the other
    "DANMAKU_EDGE_LINGER_S": "0.5",
    "DANMAKU_EDGE_HELLO_S": "3",
    "DANMAKU_ROOMS_IDLE_S": "1",
    "DANMAKU_ROOMS_REPEAT_MEMORY_S": "2",
    "DANMAKU_ROOMS_HISTORY_BATCHES": "100",
}


async def bare(service: Deployment, number: int) -> None:
    """TCP and nothing else."""
    client = await RawClient.connect(service.port)
    await client.leave()


async def upgraded(service: Deployment, number: int) -> None:
    client = await RawClient.open(service.port, "/v1/ws")
    await client.leave()


async def greeted(service: Deployment, number: int) -> None:
    client = await said(service, {"t": "hello", "id": 1})
    await client.frame()
    await client.leave()


async def joined_and_left(service: Deployment, number: int) -> None:
    room = f"room-{number % ROOMS}"
    client = await said(service, {"t": "hello", "id": 1}, {"t": "join", "id": 2, "room": room})
    await client.frame()
    await client.frame()
    client.send_bytes(encode_frame(msgpack.packb({"t": "leave", "id": 3, "room": room}), BINARY))
    await client.frame()
    await client.leave()


async def joined_and_vanished(service: Deployment, number: int) -> None:
    room = f"room-{number % ROOMS}"
    client = await said(service, {"t": "hello", "id": 1}, {"t": "join", "id": 2, "room": room})
    await client.frame()
    await client.frame()
    await client.kill()


async def vanished_while_joining(service: Deployment, number: int) -> None:
    room = f"room-{number % ROOMS}"
    client = await said(service, {"t": "hello", "id": 1}, {"t": "join", "id": 2, "room": room})
    await client.kill()


async def closed_by_the_server(service: Deployment, number: int) -> None:
    client = await said(service, {"t": "hello", "id": 1, "token": "x"})
    await client.close_frame()
    await client.leave()


async def talked(service: Deployment, number: int) -> None:
    """Logged in, as the newest connection of one of few devices, and with something to say."""
    uid, room = f"u{number % USERS}", f"room-{number % ROOMS}"
    client = await said(
        service,
        {"t": "hello", "id": 1, "token": TOKENS[uid], "device": f"d{number % 3}", "n": number},
        {"t": "join", "id": 2, "room": room},
    )
    await answers(client, 2)
    for frame in (
        {"t": "send", "id": 3, "room": room, "text": f"{number}", "cid": f"c{number}"},
        {"t": "like", "id": 4, "room": room, "n": 1},
        {"t": "history", "id": 5, "room": room, "since": {"epoch": 0, "seq": 0}, "limit": 3},
    ):
        client.send_bytes(encode_frame(msgpack.packb(frame), BINARY))
    await answers(client, 3)
    await client.leave()


async def asked_over_http(service: Deployment, number: int) -> None:
    client = await RawClient.connect(service.port)
    for path in ("/v1/rooms/room-1", "/v1/rooms/room-1/messages?limit=5", "/nowhere"):
        client.send_bytes(f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
        await client.response()
    await client.leave()


async def answers(client: RawClient, count: int) -> None:
    """Read on until so many questions are answered; to be closed for a newer connection is an answer, too."""
    with suppress(EOFError):
        while count:
            opcode, payload = await client.frame()
            if opcode == BINARY:
                frames = msgpack.Unpacker()
                frames.feed(payload)
                count -= sum(frame["t"] in ("ok", "err") for frame in frames)


async def said(service: Deployment, *frames: dict[str, object]) -> RawClient:
    client = await RawClient.open(service.port, "/v1/ws")
    for frame in frames:
        client.send_bytes(encode_frame(msgpack.packb(frame), BINARY))
    return client


WAYS = (
    bare,
    upgraded,
    greeted,
    joined_and_left,
    joined_and_vanished,
    vanished_while_joining,
    closed_by_the_server,
    talked,
    asked_over_http,
)


class State:
    """What processes hold while nobody is there."""

    def __init__(self, service: Deployment) -> None:
        processes = {pid: name for pid, name in service.processes().items() if "valkey" not in name}
        self.memory = {pid: _resident_bytes(pid) for pid in processes}
        self.descriptors = {pid: len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in processes}
        metrics = service.read("/metrics")
        self.gauges = {
            name: float(value)
            for name, value in re.findall(
                r"^(danmaku_(?:edge_(?:connections|rooms|joins_total|tasks)|rooms_tasks|bus_subscriptions))"
                r"(?:{.*})? (\S+)$",
                metrics,
                re.M,
            )
        }
        self.joins = self.gauges.pop("danmaku_edge_joins_total")
        self.tasks = self.gauges.pop("danmaku_edge_tasks") + self.gauges.pop("danmaku_rooms_tasks")
        self.subscriptions = self.gauges.pop("danmaku_bus_subscriptions")

    def __str__(self) -> str:
        memory = ", ".join(f"{size / 2**20:.1f} MB" for size in self.memory.values())
        return (
            f"resident {memory}; descriptors {list(self.descriptors.values())}; {self.tasks:.0f} tasks; "
            f"{self.subscriptions:.0f} subscriptions; {self.joins:.0f} joins"
        )


def _resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def churn(service: Deployment, numbers: range) -> None:
    waiting = iter(numbers)

    async def come_and_go() -> None:
        for number in waiting:
            await WAYS[number % len(WAYS)](service, number)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(come_and_go())


async def settled(service: Deployment, subscriptions: float, tasks: float = inf) -> State:
    """When nobody is there any more and the rooms are let go of: no more is subscribed to than at first, and
    no more tasks run than so many."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            state = await asyncio.to_thread(State, service)
            gone = set(state.gauges.values()) == {0.0} and state.subscriptions == subscriptions
            if gone and state.tasks <= tasks:
                return state
            await asyncio.sleep(0.2)


@pytest.mark.timeout(900)
async def test_who_comes_and_goes_leaves_nothing_behind(tmp_path: Path) -> None:
    async with serving(tmp_path, "--workers", "1", **SHORT) as service:
        for uid in (f"u{number}" for number in range(USERS)):
            TOKENS[uid] = service.token(uid)
        first = await asyncio.to_thread(State, service)
        await churn(service, range(CONNECTS // 2))
        before = await settled(service, first.subscriptions)
        await churn(service, range(CONNECTS // 2, CONNECTS))
        most = before.tasks + 3  # as many as are always there, and some that just run
        after = await settled(service, first.subscriptions, most)
        print(f"\nafter {CONNECTS // 2}: {before}\nafter {CONNECTS}: {after}")
        assert after.joins >= CONNECTS // len(WAYS) * 2
        assert after.descriptors.keys() == before.descriptors.keys(), "a process died"
        for pid, descriptors in after.descriptors.items():
            assert descriptors <= before.descriptors[pid] + 2
            assert after.memory[pid] - before.memory[pid] < GROWTH_BYTES
