"""What edges are told of one room."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import msgspec

from danmaku import envelope, wire
from danmaku.envelope import Out, OutKind
from danmaku.model import Position


class Watching:
    """What `room out` of one room says."""

    def __init__(self) -> None:
        self.outs: list[Out] = []
        self.heard = asyncio.Event()

    def receive(self, payload: bytes, _: str) -> None:
        self.outs.append(envelope.decode_out(payload))
        self.heard.set()

    @property
    def items(self) -> list[tuple[Position, Any]]:
        """All items of batches, each once."""
        items: dict[Position, Any] = {}
        for out in self.outs:
            if out.kind is OutKind.BATCH:
                batch = msgspec.msgpack.decode(out.frame, type=wire.Batch)
                for index, item in enumerate(batch.items):
                    items[Position(batch.epoch, batch.seq + index)] = msgspec.msgpack.decode(item)
        return sorted(items.items())

    @property
    def kinds(self) -> list[str]:
        return [item["k"] for _, item in self.items]

    @property
    def texts(self) -> list[str]:
        """Of a room in which there was nothing but what has a text."""
        return [item["text"] for _, item in self.items]

    def frames(self, kind: OutKind) -> list[Any]:
        return [msgspec.msgpack.decode(out.frame) for out in self.outs if out.kind is kind]

    async def until(self, count: int, kind: OutKind | None = None) -> None:
        async with asyncio.timeout(30):
            while sum(kind in (None, out.kind) for out in self.outs) < count:
                self.heard.clear()
                await self.heard.wait()


def in_short(frames: Iterable[bytes]) -> list[str]:
    """Of the items of batches the text, otherwise what it is."""
    items = [item for frame in frames for item in msgspec.msgpack.decode(frame)["items"]]
    return [item.get("text", item["k"]) for item in items]
