"""The SDK against a real service whose edges die under it."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from danmaku.client import Client, Comment, Position, Room, Sent, Timing
from tests.system.service import Service, running_service

TIMING = Timing(first_retry=0.1, most_retry=1.0, pull_jitter=0.05)
SENDS = 80


def edge_workers(service: Service) -> list[int]:
    """Process ids of the edge workers that belong to this service."""
    parents: dict[int, int] = {}
    commands: dict[int, bytes] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                commands[int(folder.name)] = (folder / "cmdline").read_bytes()
            except OSError:
                continue  # it ended meanwhile
    ours = {service.process.pid}
    while more := {pid for pid, parent in parents.items() if parent in ours} - ours:
        ours |= more
    children = set(parents.values())
    return [pid for pid in ours if b"\0edge\0" in commands[pid] + b"\0" and pid not in children]


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
        running_service(tmp_path, "--workers", "2") as service,
        Client(service.http, name="ann", timing=TIMING) as ann,
        Client(service.http, name="bob", protocol="json", timing=TIMING) as bob,
        Client(service.http, timing=TIMING) as viewer,
        Client(service.http, protocol="json", timing=TIMING) as other_viewer,
        asyncio.TaskGroup() as group,
    ):
        rooms = [await client.join("demo") for client in (viewer, other_viewer, ann, bob)]
        seen = [group.create_task(watch(room, everything)) for room in rooms[:2]]
        sent = [
            group.create_task(send_all(room, texts[name], half))
            for room, name in zip(rooms[2:], texts, strict=True)
        ]
        await asyncio.wait_for(half.wait(), 60)
        killed = edge_workers(service)
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
