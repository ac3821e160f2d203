"""How answers go out to one connection."""

from __future__ import annotations

import asyncio
from typing import Final

from danmaku import wire
from danmaku.errors import Close, Refusal
from danmaku.telemetry import EdgeMetrics
from edge.forms import joined
from edge.uws import Connection

_HELD_S: Final = 0.2


class Replies:
    """Harmless for connections that are closed meanwhile.

    Batches may be lost on a slow reader, who asks for them again; an answer would be waited for in
    vain. So where one is lost the connection ends: with `send` before it returns.
    """

    def __init__(self, metrics: EdgeMetrics) -> None:
        self._metrics = metrics
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[Connection, list[bytes]] = {}
        self._flushing: asyncio.Handle | None = None
        self._held: dict[Connection, tuple[bytes, float]] = {}  # and when it is due; in that order
        self._release_timer: asyncio.TimerHandle | None = None

    def send(self, connection: Connection, frame: wire.ServerFrame) -> None:
        codec: wire.Codec = connection.session.codec
        message = codec.encode(frame)
        if (held := self._held.pop(connection, None)) is not None:
            self._send_all(connection, [held[0], message])
        elif connection.send(message, codec.binary):
            self._metrics.frames_out.inc()
        else:
            connection.close(Close.TOO_SLOW, "too slow for an answer")

    def refuse(self, connection: Connection, frame_id: int | None, refusal: Refusal) -> None:
        self._metrics.refusals.labels(refusal.name).inc()
        self.send(
            connection, wire.Err(frame_id, refusal.code, refusal.name, refusal.message, refusal.retry_ms)
        )

    def hold(self, connection: Connection, frame: wire.ServerFrame) -> None:
        """Send it with the next answer to this connection, or after a while: each message is a system call,
        and wakes whoever reads it."""
        due = self._loop.time() + _HELD_S
        self._held[connection] = connection.session.codec.encode(frame), due
        if self._release_timer is None:
            self._release_timer = self._loop.call_at(due, self._release_due)

    def release(self, connection: Connection) -> None:
        """Send now what is held for it."""
        if (held := self._held.pop(connection, None)) is not None:
            self._send_all(connection, [held[0]])

    def send_soon(self, connection: Connection, frame: wire.ServerFrame) -> None:
        """In one message with others of this turn of the loop: each message is a system call."""
        self.release(connection)
        codec: wire.Codec = connection.session.codec
        frames = self._waiting.get(connection)
        if frames is None:
            self._waiting[connection] = [codec.encode(frame)]
        else:
            frames.append(codec.encode(frame))
        if self._flushing is None:
            self._flushing = self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        """Send what waits."""
        self._flushing = None
        waiting, self._waiting = self._waiting, {}
        for connection, frames in waiting.items():
            self._send_all(connection, frames)

    def _release_due(self) -> None:
        now = self._loop.time()
        while self._held and next(iter(self._held.values()))[1] <= now:
            self.release(next(iter(self._held)))
        first = next(iter(self._held.values()), None)
        self._release_timer = None if first is None else self._loop.call_at(first[1], self._release_due)

    def _send_all(self, connection: Connection, frames: list[bytes]) -> None:
        is_binary = connection.session.codec.binary
        if all(connection.send(message, is_binary) for message in joined(frames, is_binary=is_binary)):
            self._metrics.frames_out.inc(len(frames))
        else:
            connection.close(Close.TOO_SLOW, "too slow for an answer")
