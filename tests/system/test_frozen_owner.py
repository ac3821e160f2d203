"""An owner that is stopped in the middle of its work, and wakes after another one took its rooms.

It wakes with requests in its sockets, comments in its queue and appends under way. Nothing of that may be
stored, nor reach a viewer.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import nats
import pytest
from nats.aio.msg import Msg

from danmaku.envelope import OutKind, decode_out
from tests.faults.judge import Heard, interleaved, used_twice
from tests.system.checker import check, stored_history
from tests.system.clients import Line, Sender, Viewer
from tests.system.fleet import Fleet, Part, fleet
from tests.system.follower import Frame

ROOM = "r"
VIEWERS, SENDERS = 6, 4
COMMENTS, SECONDS = 250, 5.0  # of each sender
CALM_S, AWAKE_S = 1.0, 2.0


class Watcher(Viewer):
    """Also writes down each batch as it came."""

    def __init__(self, name: str, kind: str, url: str) -> None:
        super().__init__(name, kind, [url], [ROOM])
        self.heard: list[Heard] = []

    def _heard(self, tasks: asyncio.TaskGroup, line: Line, frame: Frame) -> None:
        if frame["t"] == "batch":
            texts = tuple(item["text"] for item in frame["items"])
            self.heard.append(Heard(time.monotonic(), id(line), ROOM, (frame["epoch"], frame["seq"]), texts))
        super()._heard(tasks, line, frame)


class Wiretap:
    """What is said on the bus of the room: [(lease, epoch)] of batches."""

    def __init__(self, whole: Fleet) -> None:
        self.batches: list[tuple[int, int]] = []
        self._url = whole.nats.server.url

    async def __aenter__(self) -> Wiretap:
        self._bus = await nats.connect(self._url)

        async def hear(message: Msg) -> None:
            out = decode_out(message.data)
            if out.kind is OutKind.BATCH:
                self.batches.append((out.lease, out.first.epoch))

        await self._bus.subscribe("danmaku.out.>", cb=hear)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._bus.close()


async def another_owns(whole: Fleet, old: Part) -> None:
    """Its lease runs out, and somebody else takes the room."""
    async with asyncio.timeout(30):
        while True:
            try:
                if await whole.owner(ROOM) is not old:
                    return
            except KeyError:
                pass  # nobody has it at the moment
            await asyncio.sleep(0.05)


@pytest.mark.timeout(120)
async def test_a_stopped_owner_that_wakes_can_store_and_show_nothing(tmp_path: Path) -> None:
    async with fleet(tmp_path) as whole:
        urls = [edge.ws for edge in whole.edges]
        viewers = [Watcher(f"v{n}", ("msgpack", "json")[n % 2], urls[n % 2]) for n in range(VIEWERS)]
        watching = [asyncio.create_task(viewer.run()) for viewer in viewers]
        for viewer in viewers:
            await viewer.joined.wait()
        senders = [Sender(f"s{n}", urls[n % 2 :], whole.token(f"s{n}")) for n in range(SENDERS)]
        async with Wiretap(whole) as tap, asyncio.TaskGroup() as tasks:
            saying = [tasks.create_task(sender.say([ROOM], COMMENTS, SECONDS)) for sender in senders]
            await asyncio.sleep(CALM_S)
            old = await whole.owner(ROOM)
            old.freeze()
            await another_owns(whole, old)
            begun = len(tap.batches)
            old.thaw()
            await asyncio.sleep(AWAKE_S)
            await asyncio.wait(saying)
        history = stored_history(whole.store_socket, [ROOM])
        async with asyncio.timeout(20):
            while any(len(viewer.rooms[ROOM].log) < len(history[ROOM]) for viewer in viewers):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        acknowledged = [one for sender in senders for one in sender.acknowledged]
        logs = {viewer.name: {ROOM: viewer.rooms[ROOM].log} for viewer in viewers}
        heard = {viewer.name: viewer.heard for viewer in viewers}
        report = check(acknowledged, logs, history)
        newest = max(lease for lease, _ in tap.batches)
        stale = [epoch for lease, epoch in tap.batches[begun:] if lease < newest]
        print(f"\n{report}; {len(stale)} batches of the old owner on the bus after it woke")
        assert not [*report.problems, *interleaved(heard), *used_twice(heard)], report.problems
        assert report.acknowledged == SENDERS * COMMENTS
        assert report.epochs >= 2, "nobody took the room: this test shows nothing"
