"""The SDK against a room that cuts connections, loses batches and changes its owner at random."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

import pytest
from websockets.exceptions import ConnectionClosed

from danmaku.client import Client, Comment, Position, Room, Timing
from danmaku.model import START
from danmaku.wire import Batch, History, Join, Ok, Send, Stats
from tests.system.scripted import Visit, scripted

TIMING = Timing(pong=0.3, close=0.2, first_retry=0.005, most_retry=0.05, pull_jitter=0.01)
SENDS = 60


class ShakyRoom:
    """Numbers, remembers and answers as the service does, and is not to be relied upon for anything else."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  a seed makes failures repeatable
        self._said: list[tuple[Position, Position | None, str]] = []
        self._shown: dict[str, Position] = {}
        self._viewers: set[Visit] = set()
        self._cut_after = self._calm()
        self.cuts = 0
        self.losses = 0

    def _calm(self) -> int:
        """After how many more answers a connection is cut."""
        return self._random.randint(1, 49)

    @property
    def head(self) -> Position:
        return self._said[-1][0] if self._said else START

    async def visit(self, visit: Visit) -> None:
        await visit.greet(heartbeat_ms=200)
        try:
            while True:
                await self._answer(visit, await visit.hear())
                self._cut_after -= 1
                if self._cut_after == 0:
                    self._cut_after = self._calm()
                    self.cuts += 1
                    visit.cut()
        finally:
            self._viewers.discard(visit)

    async def tell_stats(self) -> None:
        """For ever: what reveals a lost last batch."""
        while True:
            await asyncio.sleep(0.05)
            for visit in list(self._viewers):
                with suppress(ConnectionClosed):
                    await visit.say(Stats("demo", *self.head, len(self._viewers), 0))

    async def _answer(self, visit: Visit, frame: object) -> None:
        if isinstance(frame, Join):
            since = None if frame.since is None else frame.since.position
            ok = Ok(frame.id, room="demo", epoch=self.head.epoch, seq=self.head.seq, complete=True)
            ok.history = visit.batches(self._batches(visit, since or START))
            self._viewers.add(visit)
            await visit.say(ok)
        elif isinstance(frame, History):
            batches = self._batches(visit, frame.since.position)
            ok = Ok(frame.id, history=visit.batches(batches[:7]), complete=len(batches) <= 7)
            await visit.say(ok)
        else:
            assert isinstance(frame, Send)
            at = await self._show(frame)
            await visit.say(Ok(frame.id, shown=True, epoch=at.epoch, seq=at.seq, at=1))

    async def _show(self, send: Send) -> Position:
        if send.cid in self._shown:
            return self._shown[send.cid]
        prev = None
        at = Position(self.head.epoch, self.head.seq + 1)
        if not self._said or self._random.random() < 0.05:
            prev, at = self.head, Position(self.head.epoch + 10, 1)
        self._shown[send.cid] = at
        self._said.append((at, prev, send.text))
        for viewer in list(self._viewers):
            if self._random.random() < 0.2:
                self.losses += 1
                continue
            with suppress(ConnectionClosed):
                await viewer.say(viewer.batch(*at, send.text, prev=prev))
        return at

    def _batches(self, visit: Visit, since: Position) -> list[Batch]:
        return [visit.batch(*at, text, prev=prev) for at, prev, text in self._said if at > since]


async def watch(room: Room, count: int) -> list[tuple[Position, str]]:
    seen: list[tuple[Position, str]] = []
    while len(seen) < count:
        item = await asyncio.wait_for(anext(room), 20)
        if isinstance(item, Comment):
            seen.append((item.position, item.text))
    return seen


async def send_all(room: Room, name: str) -> list[tuple[Position | None, str]]:
    return [((await room.send(text, timeout_s=20)).position, text) for text in _texts(name)]


def _texts(name: str) -> list[str]:
    return [f"{name} {number}" for number in range(SENDS)]


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_each_comment_is_seen_once_and_in_order(seed: int) -> None:
    shaky = ShakyRoom(seed)
    async with (
        scripted(shaky.visit) as url,
        Client(url, timing=TIMING) as ann,
        Client(url, timing=TIMING, protocol="json") as bob,
    ):
        telling = asyncio.create_task(shaky.tell_stats())
        rooms = [await ann.join("demo"), await bob.join("demo")]
        async with asyncio.TaskGroup() as group:
            watching = [group.create_task(watch(room, 2 * SENDS)) for room in rooms]
            sending = [group.create_task(send_all(room, str(room is rooms[0]))) for room in rooms]
        telling.cancel()
        sent = sorted(one for task in sending for one in task.result())
        assert {text for _, text in sent} == {*_texts("True"), *_texts("False")}
        for task, room in zip(watching, rooms, strict=True):
            assert task.result() == sent
            assert room.missed == 0
    assert shaky.cuts > 0
    assert shaky.losses > 0
