"""Shows what owners said to the viewers of a room: the very bytes, and what is made of them once for all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from config.settings import Edge
from danmaku import wire
from danmaku.envelope import Out
from danmaku.errors import Close
from danmaku.telemetry import EdgeMetrics
from edge.forms import Form, Topics, deflated, joined
from edge.ring import Batch
from edge.roster import Roster
from edge.uws import Connection


class Publisher(Protocol):
    """What of edge.uws.Server is needed here."""

    def publish(self, topic: str, message: bytes, binary: bool = True) -> None: ...


class Fanout:
    """Messages of `deflate_bytes` and more are compressed for those who asked for it; 0: none is."""

    def __init__(
        self,
        publisher: Publisher,
        roster: Roster[Connection],
        metrics: EdgeMetrics,
        limits: Edge,
    ) -> None:
        self.published_bytes = 0  # by one viewer of all rooms
        self._publisher = publisher
        self._roster = roster
        self._metrics = metrics
        self._limits = limits

    def show(self, topics: Topics, together: Sequence[Batch | Out]) -> None:
        """Batches and statistics, in few messages: one may hold many frames, and costs a viewer as much as
        one."""
        viewers = self._roster.viewers(topics.room)
        if viewers is None:
            return
        self.published_bytes += sum(len(one.frame) for one in together)
        made: dict[bool, list[bytes]] = {}  # by whether they are binary
        for form in viewers.forms:
            messages = made.get(form.codec.binary)
            if messages is None:
                messages = made[form.codec.binary] = _messages(form.codec, together)
            self._publish(topics, form, messages)
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
        for form in viewers.forms:
            self._publish(topics, form, [form.codec.encode(skip)])
        self._metrics.skipped.labels(why).inc(skip.to + 1 - skip.from_)

    def _publish(self, topics: Topics, form: Form, messages: Sequence[bytes]) -> None:
        topic, least_bytes = topics.of(form), self._limits.deflate_bytes
        for message in messages:
            packed = deflated(message, least_bytes) if form.is_deflated and least_bytes else None
            if packed is None:
                self._publisher.publish(topic, message, form.codec.binary)
            else:
                self._publisher.publish(topic, packed)

    def notice(self, connections: list[Connection], frame: bytes) -> None:
        """To these connections of one user; one that cannot take it is closed, since it is said only once."""
        for connection in connections:
            codec: wire.Codec = connection.session.codec
            if connection.send(codec.batch(frame), codec.binary):
                self._metrics.frames_out.inc()
            else:
                connection.close(Close.TOO_SLOW, "too slow for a notice")


def _messages(codec: wire.Codec, together: Sequence[Batch | Out]) -> list[bytes]:
    frames = [one.encoded(codec) if isinstance(one, Batch) else codec.batch(one.frame) for one in together]
    return joined(frames, is_binary=codec.binary)
