"""Shows what owners said to the viewers of a room: their bytes as they are, JSON made once per batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from danmaku import wire
from danmaku.envelope import Out
from danmaku.errors import Close
from danmaku.telemetry import EdgeMetrics
from edge.ring import Batch
from edge.roster import Roster
from edge.uws import Connection

_MESSAGE_BYTES: Final = 64 * 1024
_MESSAGE_FRAMES: Final = 64  # docs/PROTOCOL.md


class Publisher(Protocol):
    """What of edge.uws.Server is needed here."""

    def publish(self, topic: str, message: bytes, binary: bool = True) -> None: ...


class Topics:
    """The two topics of a room; one object per room, so that its viewers share the names."""

    __slots__ = ("json", "msgpack", "room")

    def __init__(self, room: str) -> None:
        self.room = room
        self.msgpack = f"m/{room}"
        self.json = f"j/{room}"

    def of(self, codec: wire.Codec) -> str:
        return self.msgpack if codec.binary else self.json


class Fanout:
    def __init__(self, publisher: Publisher, roster: Roster[Connection], metrics: EdgeMetrics) -> None:
        self.published_bytes = 0  # by one viewer of all rooms
        self._publisher = publisher
        self._roster = roster
        self._metrics = metrics

    def show(self, topics: Topics, together: Sequence[Batch | Out]) -> None:
        """Batches and statistics, in few messages: one may hold many frames, and costs a viewer as much as
        one."""
        viewers = self._roster.viewers(topics.room)
        if viewers is None:
            return
        frames = [one.frame for one in together]
        self.published_bytes += sum(map(len, frames))
        if viewers.msgpack:
            for message in _joined(frames, b""):
                self._publisher.publish(topics.msgpack, message)
        if viewers.json:
            for message in _joined([_json(one) for one in together], b"\n"):
                self._publisher.publish(topics.json, message, binary=False)
        batches = [one for one in together if isinstance(one, Batch)]
        self._metrics.batches.inc(len(batches))
        for batch in batches:
            self._metrics.items_per_batch.observe(batch.count)
        self._metrics.deliveries.inc(viewers.total * len(batches))

    def skip(self, topics: Topics, skip: wire.Skip, why: str) -> None:
        """why: `lost` for good before it came here, or `late`: there was no time to show it."""
        viewers = self._roster.viewers(topics.room)
        if viewers is None:
            return
        if viewers.msgpack:
            self._publisher.publish(topics.msgpack, wire.MSGPACK.encode(skip))
        if viewers.json:
            self._publisher.publish(topics.json, wire.JSON.encode(skip), binary=False)
        self._metrics.skipped.labels(why).inc(skip.to + 1 - skip.from_)

    def notice(self, connections: list[Connection], frame: bytes) -> None:
        """To these connections of one user; one that cannot take it is closed, since it is said only once."""
        for connection in connections:
            codec: wire.Codec = connection.session.codec
            if connection.send(codec.batch(frame), codec.binary):
                self._metrics.frames_out.inc()
            else:
                connection.close(Close.TOO_SLOW, "too slow for a notice")


def _json(one: Batch | Out) -> bytes:
    return one.encoded(wire.JSON) if isinstance(one, Batch) else wire.JSON.batch(one.frame)


def _joined(frames: Sequence[bytes], separator: bytes) -> list[bytes]:
    """Messages of many frames; a large frame is a message by itself."""
    messages: list[list[bytes]] = []
    size = _MESSAGE_BYTES
    for frame in frames:
        size += len(frame)
        if size > _MESSAGE_BYTES or len(messages[-1]) == _MESSAGE_FRAMES:
            messages.append([])
            size = len(frame)
        messages[-1].append(frame)
    return [separator.join(message) if len(message) > 1 else message[0] for message in messages]
