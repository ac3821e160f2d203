"""The devices at this edge that want chat, and what is sent to them: each frame made once per subprotocol."""

from __future__ import annotations

from collections.abc import Iterable

from danmaku import wire
from danmaku.telemetry import EdgeMetrics
from edge.roster import Roster
from edge.uws import Connection


class Devices:
    def __init__(self, metrics: EdgeMetrics) -> None:
        self._metrics = metrics
        self._roster: Roster[Connection] = Roster()

    def arrive(self, uid: str, device: Connection) -> None:
        self._roster.arrive(uid, device)

    def depart(self, uid: str, device: Connection) -> None:
        """Not an error when it never arrived."""
        self._roster.depart(uid, device)

    def are_here(self, uid: str) -> bool:
        """Whether the user has any device here."""
        return bool(self._roster.connections(uid))

    def tell(self, frame: bytes, uids: Iterable[str]) -> bool:
        """A msgpack frame to all devices here of these users. False where one of them could not take it."""
        made: dict[bool, bytes] = {}
        sent, missed = 0, 0
        for uid in uids:
            for device in self._roster.connections(uid):
                codec: wire.Codec = device.session.codec
                message = made.get(codec.binary)
                if message is None:
                    message = made[codec.binary] = codec.batch(frame)
                if device.send(message, codec.binary):
                    sent += 1
                else:
                    missed += 1
        self._metrics.chat_frames.inc(sent)
        self._metrics.chat_missed.inc(missed)
        return missed == 0
