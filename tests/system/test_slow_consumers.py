"""nats-server throws out a process that does not read in time: it comes back, and nobody misses anything."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path
from typing import Final

import msgpack
import pytest

from config.settings import Nats
from danmaku import envelope
from danmaku.bus.nats import NatsBus
from danmaku.envelope import Counts, Out, OutKind, Owners
from danmaku.model import Position
from danmaku.subjects import Subjects
from tests.system.clients import Line
from tests.system.deployment import until
from tests.system.fleet import Edge, Fleet, Part, fleet
from tests.system.test_lost_batches import Watcher, metrics_of

ROOM: Final = "r"
_BYTES: Final = 64 * 1024
_MOST: Final = 2000  # messages: far more than kernel and server (64 MB) hold back for one reader
_SUBJECTS: Final = Subjects()


def thrown_out(whole: Fleet) -> int:
    return whole.nats.server.log.read_text().count("Slow Consumer Detected")


async def flood(whole: Fleet, subject: str, message: bytes) -> None:
    """Until the server throws somebody out."""
    bus = await NatsBus.connect(Nats(url=whole.nats.server.url), "flood")
    try:
        for _ in range(_MOST):
            await bus.publish(subject, message)
            await bus.flush(30.0)
            if thrown_out(whole):
                return
        raise AssertionError("nobody was thrown out")
    finally:
        await bus.close()


def junk_of_a_room() -> bytes:
    """What an edge drops: the owner it names was replaced long ago."""
    frame = msgpack.packb({"t": "of tomorrow", "pad": bytes(_BYTES)})
    return envelope.encode_out(Out(OutKind.STATS, 0, Position(0, 0), 0, None, "", frame))


def junk_of_an_edge() -> bytes:
    """Counts that say nothing."""
    return envelope.encode(Counts("e" * _BYTES, 1, {}))


async def name_of_the_owner(whole: Fleet) -> str:
    bus = await NatsBus.connect(Nats(url=whole.nats.server.url), "asker")
    heard: asyncio.Queue[Owners] = asyncio.Queue()
    try:
        await bus.subscribe(_SUBJECTS.owners, lambda told, _: heard.put_nowait(envelope.decode_owners(told)))
        await bus.publish(_SUBJECTS.ask_owners, b"")
        async with asyncio.timeout(30):
            return (await heard.get()).process
    finally:
        await bus.close()


@pytest.mark.parametrize("victim", ["edge", "rooms"])
async def test_who_does_not_read_is_thrown_out_and_comes_back(victim: str, tmp_path: Path) -> None:
    async with fleet(tmp_path, edges=2, rooms=1, DANMAKU_ROOMS_LEASE_MS="30000") as whole:
        await _watch_and_speak(whole, victim)


async def _watch_and_speak(whole: Fleet, victim: str) -> None:
    frozen: Part = whole.edges[1] if victim == "edge" else whole.rooms[0]
    subject, junk = _SUBJECTS.room_out(ROOM), junk_of_a_room()
    if victim == "rooms":
        subject, junk = _SUBJECTS.counts(await name_of_the_owner(whole)), junk_of_an_edge()
    async with asyncio.TaskGroup() as tasks:
        speaker, _, hearing = await _come(whole, whole.edges[0], tasks)
        watcher_line, watcher, watching = await _come(whole, whole.edges[1], tasks)
        said = ["before"]
        await _say(speaker, "before")
        frozen.freeze()
        try:
            await flood(whole, subject, junk)
            if victim == "edge":  # its rooms go on meanwhile
                said.append("meanwhile")
                await _say(speaker, "meanwhile")
        finally:
            frozen.thaw()
        said.append("after")
        await _say(speaker, "after")
        async with asyncio.timeout(20):
            while not set(said) <= watcher.heard_s.keys():  # noqa: ASYNC110  it comes from another process
                await asyncio.sleep(0.02)
        assert [text for _, text in watcher.log] == said
        for task in (hearing, watching):
            task.cancel()
        for line in (speaker, watcher_line):
            await line.close()
    until(lambda: "bus connected" in frozen.said.rpartition("bus connection lost")[2], "connected again")
    assert frozen.said.count("bus connection lost") == 1
    if isinstance(frozen, Edge):
        assert re.search(r"danmaku_bus_reconnects_total 1", metrics_of(frozen))


async def _come(
    whole: Fleet, edge: Edge, tasks: asyncio.TaskGroup
) -> tuple[Line, Watcher, asyncio.Task[None]]:
    line, watcher = await Line.open(edge.ws, "msgpack"), Watcher()
    listening = tasks.create_task(line.listen(watcher.heard))
    await line.ask("hello", token=whole.token(f"u-{edge.name}"))
    assert (await line.ask("join", room=ROOM))["t"] == "ok"
    return line, watcher, listening


async def _say(line: Line, text: str) -> None:
    """Again under its cid until it is taken."""
    deadline = time.monotonic() + 30
    while (answer := await line.ask("send", room=ROOM, text=text, cid=text))["t"] == "err":
        assert answer["error"] == "unavailable", answer
        assert time.monotonic() < deadline
