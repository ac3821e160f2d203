"""What one user of a room is told, and nobody else, in order with what the room shows.

It is said once and kept nowhere: every edge gets it, and those with connections of the user hand it on.
"""

from __future__ import annotations

from danmaku import wire
from danmaku.envelope import Out, OutKind, encode_out
from danmaku.subjects import Subjects
from danmaku.telemetry import RoomsMetrics
from rooms.outbox import Outbox
from rooms.pending import Ticket
from rooms.room import Room


class Whisper:
    def __init__(self, outbox: Outbox, subjects: Subjects, metrics: RoomsMetrics) -> None:
        self._outbox = outbox
        self._subjects = subjects
        self._shadowed = metrics.comments.labels("shadowed")

    def notice(self, room: Room[Ticket], uid: str, notice: wire.Notice) -> None:
        """Never raises, never waits."""
        self._tell(room, uid, wire.MSGPACK.encode(notice))

    def tell_asides(self, room: Room[Ticket], at: int) -> None:
        """What is to be shown to its senders alone, and was not yet."""
        for uid, item in room.asides():
            self._tell(room, uid, wire.encode_aside(room.name, at, item))
            self._shadowed.inc()

    def _tell(self, room: Room[Ticket], uid: str, frame: bytes) -> None:
        """`frame`: a finished msgpack client frame."""
        out = Out(OutKind.NOTICE, room.lease, room.head, 0, None, uid, frame)
        self._outbox.post(self._subjects.room_out(room.name), encode_out(out))
