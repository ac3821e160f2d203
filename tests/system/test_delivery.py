"""Everybody sees every shown comment exactly once and in order: 300 viewers, both subprotocols, two workers.

The check does not use the code under test: it reads frames with the msgpack and json packages.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgpack
import pytest
import websockets

from tests.system.deployment import serving

VIEWERS = 300
SENDERS = 3
COMMENTS = 1000
IN_FLIGHT = 40
ROOM = "hot"

Position = tuple[int, int]


class Link:
    """A bare client of one subprotocol."""

    def __init__(self, socket: websockets.ClientConnection, kind: str) -> None:
        self.socket = socket
        self.kind = kind

    async def say(self, **frame: Any) -> None:
        await self.socket.send(msgpack.packb(frame) if self.kind == "msgpack" else json.dumps(frame))

    async def hear(self) -> list[dict[str, Any]]:
        message = await self.socket.recv()
        if isinstance(message, bytes):
            unpacker = msgpack.Unpacker()
            unpacker.feed(message)
            return list(unpacker)
        return [json.loads(line) for line in message.splitlines()]

    async def answer(self, number: int) -> dict[str, Any]:
        while True:
            for frame in await self.hear():
                if frame.get("id") == number:
                    assert frame["t"] == "ok", frame
                    return frame


async def connect(url: str, kind: str, token: str | None = None) -> Link:
    socket = await websockets.connect(
        url, subprotocols=[websockets.Subprotocol(f"danmaku.v1.{kind}")], compression=None,
        ping_interval=None, open_timeout=30, max_queue=None,
    )  # fmt: skip
    link = Link(socket, kind)
    await link.say(t="hello", id=1, **({"token": token} if token else {}))
    await link.answer(1)
    return link


@dataclass
class Viewer:
    link: Link
    seen: list[tuple[Position, str]] = field(default_factory=list)

    async def watch(self, until: int) -> None:
        """Collect comments until `until` of them arrived."""
        while len(self.seen) < until:
            for frame in await self.link.hear():
                if frame["t"] == "batch" and frame["room"] == ROOM:
                    for index, item in enumerate(frame["items"]):
                        self.seen.append(((frame["epoch"], frame["seq"] + index), item["text"]))


async def send_all(link: Link, name: str) -> dict[Position, str]:
    """Send every comment, a few in flight at a time; the acknowledged positions and their texts."""
    shown: dict[Position, str] = {}
    waiting: dict[int, str] = {}
    number = 10
    while number < 10 + COMMENTS or waiting:
        while number < 10 + COMMENTS and len(waiting) < IN_FLIGHT:
            text = f"{name} {number}"
            await link.say(t="send", id=number, room=ROOM, text=text, cid=f"c{number}")
            waiting[number] = text
            number += 1
        for frame in await link.hear():
            if frame.get("id") in waiting:
                assert frame["t"] == "ok", frame
                assert frame["shown"] is True
                shown[(frame["epoch"], frame["seq"])] = waiting.pop(frame["id"])
    return shown


@pytest.mark.timeout(240)
async def test_everybody_sees_everything_once_and_in_order(tmp_path: Path) -> None:
    async with serving(tmp_path, "--workers", "2") as service, asyncio.timeout(200):
        kinds = ["msgpack", "json"]
        viewers = []
        for number in range(VIEWERS):
            link = await connect(service.ws, kinds[number % 2])
            await link.say(t="join", id=2, room=ROOM)
            await link.answer(2)
            viewers.append(Viewer(link))
        senders = []
        for number in range(SENDERS):
            link = await connect(service.ws, "msgpack", service.token(f"sender-{number}"))
            await link.say(t="join", id=2, room=ROOM)
            await link.answer(2)
            senders.append(link)

        total = SENDERS * COMMENTS
        watching = [asyncio.create_task(viewer.watch(total)) for viewer in viewers]
        sent = await asyncio.gather(*(send_all(link, f"s{n}") for n, link in enumerate(senders)))
        await asyncio.gather(*watching)

        shown = {position: text for part in sent for position, text in part.items()}
        assert len(shown) == total, "a position was given twice, or a comment was not acknowledged"
        expected = sorted(shown.items())
        for viewer in viewers:
            assert viewer.seen == expected
        status, metrics = await service.call("GET", "/metrics")
        assert status == 200
        deliveries = sum(len(viewer.seen) for viewer in viewers)
        print(f"{total} comments, {len(viewers)} viewers, {deliveries} deliveries checked")
        assert "danmaku_edge_connections" in metrics
        await asyncio.gather(*(viewer.link.socket.close() for viewer in viewers))
        await asyncio.gather(*(link.socket.close() for link in senders))
