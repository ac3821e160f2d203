"""How answers go out to one connection."""

from __future__ import annotations

from danmaku import wire
from danmaku.errors import Refusal
from danmaku.telemetry import EdgeMetrics
from edge.uws import Connection


class Replies:
    """Harmless for connections that are closed meanwhile."""

    def __init__(self, metrics: EdgeMetrics) -> None:
        self._metrics = metrics

    def send(self, connection: Connection, frame: wire.ServerFrame) -> None:
        codec: wire.Codec = connection.session.codec
        connection.send(codec.encode(frame), codec.binary)
        self._metrics.frames_out.inc()

    def refuse(self, connection: Connection, frame_id: int | None, refusal: Refusal) -> None:
        self._metrics.refusals.labels(refusal.name).inc()
        self.send(
            connection, wire.Err(frame_id, refusal.code, refusal.name, refusal.message, refusal.retry_ms)
        )
