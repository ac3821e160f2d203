"""How answers go out to one connection."""

from __future__ import annotations

from danmaku import wire
from danmaku.errors import Close, Refusal
from danmaku.telemetry import EdgeMetrics
from edge.uws import Connection


class Replies:
    """Harmless for connections that are closed meanwhile.

    Batches may be lost on a slow reader, who asks for them again; an answer would be waited for in
    vain. So where one is lost the connection ends, before `send` returns.
    """

    def __init__(self, metrics: EdgeMetrics) -> None:
        self._metrics = metrics

    def send(self, connection: Connection, frame: wire.ServerFrame) -> None:
        codec: wire.Codec = connection.session.codec
        if connection.send(codec.encode(frame), codec.binary):
            self._metrics.frames_out.inc()
        else:
            connection.close(Close.TOO_SLOW, "too slow for an answer")

    def refuse(self, connection: Connection, frame_id: int | None, refusal: Refusal) -> None:
        self._metrics.refusals.labels(refusal.name).inc()
        self.send(
            connection, wire.Err(frame_id, refusal.code, refusal.name, refusal.message, refusal.retry_ms)
        )
