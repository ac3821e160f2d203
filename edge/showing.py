"""What the viewers of a room get of what its feed says they shall be shown."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final

from danmaku import wire
from danmaku.envelope import Out, OutKind
from danmaku.recalls import may_recall
from edge.fanout import Fanout
from edge.feed import Shown, left_out
from edge.forms import Topics
from edge.ring import Batch
from edge.roster import Roster
from edge.uws import Connection

_PUTS_OUT: Final = ("kicked", "banned")

logger = logging.getLogger(__name__)


class Showing:
    """`leave` is told who is put out of a room."""

    def __init__(
        self, fanout: Fanout, roster: Roster[Connection], leave: Callable[[Connection, str], object]
    ) -> None:
        self._fanout = fanout
        self._roster = roster
        self._leave = leave

    def show(self, topics: Topics, shown: Sequence[Shown], *, late: bool = False) -> None:
        """In order. Batches and statistics that follow one another leave together; where it is late they
        are left out."""
        together: list[Batch | Out] = []
        for one in shown:
            if isinstance(one, Batch) or (isinstance(one, Out) and one.kind is OutKind.STATS):
                together.append(one)
                continue
            self._publish(topics, together, late=late)
            together = []
            if isinstance(one, wire.Skip):
                logger.warning("room %s lost positions up to %d-%d for good", one.room, one.epoch, one.to)
                self._fanout.skip(topics, one, "lost")
            else:
                self._notice(topics.room, one)
        self._publish(topics, together, late=late)

    def _publish(self, topics: Topics, together: list[Batch | Out], *, late: bool) -> None:
        if not late:
            self._fanout.show(topics, together)
            return
        late_ones: list[Batch] = []
        for one in together:
            if not isinstance(one, Batch):
                continue
            if may_recall(one.frame):  # whatever is left out, what was taken back must go
                self._leave_out(topics, late_ones)
                late_ones = []
                self._fanout.show(topics, [one])
            else:
                late_ones.append(one)
        self._leave_out(topics, late_ones)

    def _leave_out(self, topics: Topics, batches: list[Batch]) -> None:
        for skip in left_out(topics.room, batches):
            self._fanout.skip(topics, skip, "late")

    def _notice(self, room: str, out: Out) -> None:
        """To the connections that one user has in this room; who is put out leaves it, or does not get in."""
        connections = self._roster.connections(out.uid)
        inside = [connection for connection in connections if room in connection.session.joined]
        self._fanout.notice(inside, out.frame)
        if connections and _puts_out(out.frame):
            for connection in connections:
                connection.session.void(room)
                self._leave(connection, room)


def _puts_out(frame: bytes) -> bool:
    notices = wire.MSGPACK.decode_server(frame)
    return any(isinstance(notice, wire.Notice) and notice.kind in _PUTS_OUT for notice in notices)
