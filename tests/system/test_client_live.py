"""The SDK against a real service whose edges die under it."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from danmaku.client import Client, Comment, Position, Room, Sent, Stats, Timing
from tests.system.deployment import serving, until

TIMING = Timing(first_retry=0.1, most_retry=1.0, pull_jitter=0.05)
SENDS = 80


async def watch(room: Room, texts: set[str]) -> list[tuple[Position, str]]:
    """What comes until all `texts` were seen, and whatever follows right behind."""
    seen: list[tuple[Position, str]] = []
    missing = set(texts)
    while missing:
        item = await asyncio.wait_for(anext(room), 60)
        if isinstance(item, Comment):
            seen.append((item.position, item.text))
            missing.discard(item.text)
    return seen


async def send_all(room: Room, texts: list[str], half: asyncio.Event) -> list[Sent]:
    sent: list[Sent] = []
    for number, text in enumerate(texts):
        if number == len(texts) // 2:
            half.set()
        sent.append(await room.send(text, timeout_s=60))
    return sent


async def test_nothing_is_lost_or_doubled_when_the_edges_are_killed(tmp_path: Path) -> None:
    texts = {name: [f"{name} {number}" for number in range(SENDS)] for name in ("ann", "bob")}
    everything = {text for said in texts.values() for text in said}
    half = asyncio.Event()
    async with (
        serving(tmp_path, "--workers", "2") as service,
        Client(service.url, name="ann", timing=TIMING) as ann,
        Client(service.url, name="bob", protocol="json", timing=TIMING) as bob,
        Client(service.url, timing=TIMING) as viewer,
        Client(service.url, protocol="json", timing=TIMING) as other_viewer,
        asyncio.TaskGroup() as group,
    ):
        rooms = [await client.join("demo") for client in (viewer, other_viewer, ann, bob)]
        seen = [group.create_task(watch(room, everything)) for room in rooms[:2]]
        sent = [
            group.create_task(send_all(room, texts[name], half))
            for room, name in zip(rooms[2:], texts, strict=True)
        ]
        await asyncio.wait_for(half.wait(), 60)
        killed = await asyncio.to_thread(service.workers)
        assert len(killed) == 2
        for worker in killed:
            os.kill(worker, signal.SIGKILL)
        shown = {one.position for task in sent for one in await task}
        assert None not in shown
        assert len(shown) == len(everything)
        for task, room in zip(seen, rooms[:2], strict=True):
            items = await task
            assert len(items) == len({position for position, _ in items}) == len(everything)
            assert items == sorted(items)
            assert {text for _, text in items} == everything
            assert room.missed == 0
            assert room.skipped == 0


async def test_a_viewer_whose_edge_was_killed_is_not_counted_twice(tmp_path: Path) -> None:
    async with serving(tmp_path, "--workers", "1") as service, Client(service.url, timing=TIMING) as viewer:
        room = await viewer.join("demo")
        while await _viewers(room) != 1:
            pass
        edge = service.pid_of("-m edge")
        os.kill(edge, signal.SIGKILL)
        await asyncio.to_thread(until, lambda: edge not in service.processes(), "it is gone")
        assert max([await _viewers(room) for _ in range(4)]) == 1


async def _viewers(room: Room) -> int:
    """As the next statistics say."""
    while True:
        item = await asyncio.wait_for(anext(room), 60)
        if isinstance(item, Stats):
            return item.viewers
