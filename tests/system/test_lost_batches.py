"""Viewers of an edge that the bus loses `room out` messages for have everything within 3 s all the same.

They never ask for anything themselves: their edge does, once for all of them.
"""

from __future__ import annotations

import asyncio
import re
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from danmaku.client import Client
from danmaku.client import Comment as SdkComment
from danmaku.envelope import OutKind
from danmaku.servers import NatsServer
from tests.system.clients import Line
from tests.system.fleet import Edge, Fleet, fleet
from tests.system.follower import Frame, Position
from tests.system.lateness import Lateness
from tests.system.nats_proxy import NatsProxy, every, every_batch, everything, nats_proxy, nothing, some

ROOM = "r"
WITHIN_S = 3.0
SLACK_S = 0.7  # of the measurement itself: clients share two cores with everything else
RAW, SDK, ELSEWHERE = 20, 2, 4


@dataclass
class Watcher:
    """Somebody who reads and never asks. `heard_s`: when each text came."""

    log: list[tuple[Position, str]] = field(default_factory=list)
    heard_s: dict[str, float] = field(default_factory=dict)
    skips: list[Frame] = field(default_factory=list)

    def heard(self, frame: Frame) -> None:
        if frame["t"] == "skip":
            self.skips.append(frame)
        elif frame["t"] == "batch":
            for index, item in enumerate(frame["items"]):
                self.hear((frame["epoch"], frame["seq"] + index), item["text"])

    def hear(self, position: Position, text: str) -> None:
        self.log.append((position, text))
        self.heard_s.setdefault(text, time.monotonic())


@dataclass
class Audience:
    """Everybody who watches, and who speaks at the edge whose bus loses nothing."""

    whole: Fleet
    proxied: Edge
    proxy: NatsProxy
    speaker: Line
    watchers: list[Watcher]
    lateness: Lateness = field(default_factory=Lateness)
    said_s: dict[str, float] = field(default_factory=dict)  # when each text was acknowledged
    positions: dict[str, Position] = field(default_factory=dict)

    async def say(self, text: str) -> None:
        answer = await self.speaker.ask("send", room=ROOM, text=text, cid=text)
        assert answer["t"] == "ok", answer
        self.said_s[text] = time.monotonic()
        self.positions[text] = (answer["epoch"], answer["seq"])

    async def talk(self, seconds: float, name: str = "t") -> None:
        """One comment after the other, thirty a second."""
        begin = time.monotonic()
        for number in range(int(seconds * 30)):
            await asyncio.sleep(begin + number / 30 - time.monotonic())
            await self.say(f"{name}{number}")

    async def have_everything(self) -> None:
        """Everybody, once, in order, each within the time after it was acknowledged."""
        last_s = max(self.said_s.values())
        texts = self.said_s.keys()
        while any(texts - watcher.heard_s.keys() for watcher in self.watchers):
            missing = [len(texts - watcher.heard_s.keys()) for watcher in self.watchers]
            assert time.monotonic() < last_s + self.within_s, f"missing: {missing}; {self.proxied.said}"
            await asyncio.sleep(0.02)
        shown = sorted((position, text) for text, position in self.positions.items())
        for watcher in self.watchers:
            assert watcher.log == shown
            assert not watcher.skips
        waits = [
            watcher.heard_s[text] - said for watcher in self.watchers for text, said in self.said_s.items()
        ]
        print(f"{len(shown)} comments, {self.proxy.lost} lost, {self.asked}; latest after {max(waits):.2f} s")
        assert max(waits) < self.within_s

    @property
    def within_s(self) -> float:
        """As it looks to this process, which may have been late, and so the edge."""
        return WITHIN_S + SLACK_S + 2 * self.lateness.worst_s

    @property
    def asked(self) -> dict[str, int]:
        """What the proxied edge asked history for."""
        found = re.findall(r'history_requests_total\{why="(\w+)"\} (\d+)', metrics_of(self.proxied))
        return {why: int(times) for why, times in found}


def metrics_of(edge: Edge) -> str:
    with urllib.request.urlopen(f"{edge.url}/metrics", timeout=10) as answer:  # noqa: S310  our own http
        text: str = answer.read().decode()
    return text


@asynccontextmanager
async def audience(folder: Path) -> AsyncIterator[Audience]:
    async with fleet(folder, edges=1, rooms=1) as whole:
        server = whole.nats.server
        assert isinstance(server, NatsServer)
        async with nats_proxy(server.port) as proxy, asyncio.TaskGroup() as tasks:
            proxied = whole.add_edge(DANMAKU_NATS_URL=proxy.url)
            await whole.until_ready(proxied)
            lines: list[Line] = []
            working: list[asyncio.Task[None]] = []

            async def come(edge: Edge, kind: str) -> tuple[Line, Watcher]:
                line, watcher = await Line.open(edge.ws, kind), Watcher()
                lines.append(line)
                working.append(tasks.create_task(line.listen(watcher.heard)))
                await line.ask("hello", token=whole.token(f"u{len(lines)}"))
                assert (await line.ask("join", room=ROOM))["t"] == "ok"
                return line, watcher

            speaker, _ = await come(whole.edges[0], "msgpack")
            watchers = [(await come(proxied, ("msgpack", "json")[n % 2]))[1] for n in range(RAW)]
            watchers += [(await come(whole.edges[0], "msgpack"))[1] for _ in range(ELSEWHERE)]
            clients = [Client(proxied.url) for _ in range(SDK)]
            for client in clients:
                await client.__aenter__()
                watchers.append(Watcher())
                ready = asyncio.Event()
                working.append(tasks.create_task(_read(client, watchers[-1], ready)))
                await ready.wait()
            crowd = Audience(whole, proxied, proxy, speaker, watchers)
            working.append(tasks.create_task(crowd.lateness.watch()))
            try:
                yield crowd
            finally:
                for task in working:
                    task.cancel()
                for client in clients:
                    await client.__aexit__(None, None, None)
                for line in lines:
                    await line.close()


async def _read(client: Client, watcher: Watcher, ready: asyncio.Event) -> None:
    room = await client.join(ROOM)
    ready.set()
    async for item in room:
        if isinstance(item, SdkComment):
            watcher.hear((item.position.epoch, item.position.seq), item.text)


async def lose_share(crowd: Audience, share: float) -> None:
    crowd.proxy.lose = some(share)
    await crowd.talk(4)


async def lose_every_fifth(crowd: Audience) -> None:
    crowd.proxy.lose = every(5)
    await crowd.talk(3)


async def lose_all_for_a_while(crowd: Audience) -> None:
    await crowd.talk(0.5, "before")
    crowd.proxy.lose = everything
    await crowd.talk(2, "while")
    crowd.proxy.lose = nothing
    await crowd.talk(0.5, "after")


async def lose_only_the_last(crowd: Audience) -> None:
    await crowd.talk(0.5, "before")
    crowd.proxy.lose = every_batch
    await crowd.say("last")


async def lose_the_last_and_what_tells_of_it(crowd: Audience) -> None:
    await crowd.talk(0.5, "before")
    crowd.proxy.lose = everything
    await crowd.say("last")


async def lose_the_first_after_the_join(crowd: Audience) -> None:
    crowd.proxy.lose = every_batch
    await crowd.say("first")
    crowd.proxy.lose = nothing
    await crowd.talk(0.5, "then")


LOSSES: dict[str, Callable[[Audience], Awaitable[None]]] = {
    "half": lambda crowd: lose_share(crowd, 0.5),
    "every fifth": lose_every_fifth,
    "all for 2 s": lose_all_for_a_while,
    "only the last": lose_only_the_last,
    "the last and all statistics": lose_the_last_and_what_tells_of_it,
    "the first": lose_the_first_after_the_join,
}


@pytest.mark.parametrize("name", LOSSES)
async def test_viewers_have_everything_soon(name: str, tmp_path: Path) -> None:
    async with audience(tmp_path) as crowd:
        await LOSSES[name](crowd)
        await crowd.have_everything()
        asked, lost = crowd.asked, crowd.proxy.lost[OutKind.BATCH]
        assert lost > 0
        late = 2 if crowd.lateness.worst_s < 0.3 else lost + 2  # answers that came too late
        assert asked.get("gap", 0) <= lost + late, "more questions than gaps"
        assert asked.get("viewer", 0) == 0, "viewers had to ask themselves"
