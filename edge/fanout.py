"""Shows what owners said to the viewers of a room: their bytes as they are, JSON made once per batch."""

from __future__ import annotations

from time import perf_counter
from typing import Protocol

from danmaku import wire
from danmaku.errors import Close
from danmaku.telemetry import EdgeMetrics
from edge.ring import Batch
from edge.roster import Roster
from edge.uws import Connection


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

    def batch(self, topics: Topics, batch: Batch) -> None:
        viewers = self._roster.viewers(topics.room)
        if viewers is None:
            return
        self.published_bytes += len(batch.frame)
        begin = perf_counter()
        if viewers.msgpack:
            self._publisher.publish(topics.msgpack, batch.frame)
        if viewers.json:
            self._publisher.publish(topics.json, batch.encoded(wire.JSON), binary=False)
        metrics = self._metrics
        metrics.publish_seconds.observe(perf_counter() - begin)
        metrics.batches.inc()
        metrics.items_per_batch.observe(batch.count)
        metrics.deliveries.inc(viewers.total)

    def skip(self, topics: Topics, skip: wire.Skip) -> None:
        viewers = self._roster.viewers(topics.room)
        if viewers is None:
            return
        if viewers.msgpack:
            self._publisher.publish(topics.msgpack, wire.MSGPACK.encode(skip))
        if viewers.json:
            self._publisher.publish(topics.json, wire.JSON.encode(skip), binary=False)
        self._metrics.skipped.inc(skip.to + 1 - skip.from_)

    def stats(self, topics: Topics, frame: bytes) -> None:
        viewers = self._roster.viewers(topics.room)
        if viewers is None:
            return
        if viewers.msgpack:
            self._publisher.publish(topics.msgpack, frame)
        if viewers.json:
            self._publisher.publish(topics.json, wire.JSON.batch(frame), binary=False)

    def notice(self, connections: list[Connection], frame: bytes) -> None:
        """To these connections of one user; one that cannot take it is closed, since it is said only once."""
        for connection in connections:
            codec: wire.Codec = connection.session.codec
            if connection.send(codec.batch(frame), codec.binary):
                self._metrics.frames_out.inc()
            else:
                connection.close(Close.TOO_SLOW, "too slow for a notice")
