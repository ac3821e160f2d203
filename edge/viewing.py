"""What a viewer who said hello may do: join, leave, send, like, ask for history.

Nothing here waits. What takes time is handed over with a callback that knows the connection and the
frame; by the time it is called the connection may be closed, or may have left, and acting on it
must then be harmless.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec

from config.settings import Rooms
from danmaku import wire
from danmaku.errors import CONFLICT, INTERNAL, RATE_LIMITED, UNAVAILABLE, Kind, Refusal
from danmaku.event_rows import VoteRow
from danmaku.model import Identity, Position, Role
from danmaku.rows import Admitted, Delayed, Done, JoinRow, LikeRow, Refused, SendRow, Shadowed, Shed, Shown
from danmaku.slow import Slow, Steps
from danmaku.telemetry import EdgeMetrics
from edge.allowance import Allowances
from edge.boards import Boards, View
from edge.channels import Answer
from edge.feeds import Feeds
from edge.pulls import Pulls
from edge.replies import Replies
from edge.ring import Page
from edge.rooms_client import RoomsClient
from edge.session import Session
from edge.stage import Stage
from edge.uws import Connection

_RETRY_MS: Final = 1000
_PULL_ITEMS: Final = 1000  # the most that history is asked for at one time
_PAGE_ITEMS: Final = 100  # what a history frame without a limit means


class _Joining(Steps):
    """The steps of a join, of which none that takes long is begun after `until`."""

    __slots__ = ("until",)

    def __init__(self, now: float, until: float) -> None:
        super().__init__(now)
        self.until = until


class Viewing:
    """`allowances` are those of addresses; `snapshot_bytes` bounds the history in one answer."""

    def __init__(
        self,
        client: RoomsClient,
        feeds: Feeds,
        pulls: Pulls,
        replies: Replies,
        allowances: Allowances,
        metrics: EdgeMetrics,
        slow: Slow,
        *,
        monotonic: Callable[[], float],
        patience_s: float,
        rooms_limits: Rooms,
        snapshot_bytes: int,
    ) -> None:
        self._client = client
        self._feeds = feeds
        self._pulls = pulls
        self._replies = replies
        self._allowances = allowances
        self._monotonic = monotonic
        self._patience_s = patience_s
        self._metrics = metrics
        self._slow = slow
        self._limits = rooms_limits
        self._snapshot_bytes = snapshot_bytes
        self._boards = Boards()

    def join(self, connection: Connection, frame: wire.Join) -> None:
        """Some steps, one after the other; none that takes long is begun after `patience_s`."""
        now = self._monotonic()
        self._ask(connection, frame, _Joining(now, now + self._patience_s), opened=False)

    def _ask(self, connection: Connection, frame: wire.Join, joining: _Joining, *, opened: bool) -> None:
        identity = _identity(connection)
        number = self._boards.number(frame.room)
        row = JoinRow(frame.room, identity.uid, identity.role_in(frame.room), number)
        self._client.submit(row, partial(self._judged, connection, frame, joining, opened))

    def _judged(
        self, connection: Connection, frame: wire.Join, joining: _Joining, opened: bool, answer: Answer
    ) -> None:
        if not connection.is_open:
            return
        joining.ended("owner", self._monotonic())
        if not isinstance(answer, Admitted):
            self._refuse_join(connection, frame, joining, _refusal(answer))
            return
        view = self._boards.learn(frame.room, answer)
        seat = partial(self._seat, connection, frame, joining, answer, view)
        if opened or self._feeds.get(frame.room) is not None:
            self._feeds.enter(frame.room, partial(self._find, connection, frame, joining, seat))
        elif self._monotonic() > joining.until:
            self._refuse_join(connection, frame, joining, _later(UNAVAILABLE))
        else:
            self._feeds.enter(frame.room, partial(self._opened, connection, frame, joining))

    def _opened(
        self, connection: Connection, frame: wire.Join, joining: _Joining, stage: Stage | None
    ) -> None:
        """Ask again: who was removed from the room before it was followed here is not known here."""
        joining.ended("open", self._monotonic())
        if stage is None or self._monotonic() > joining.until:
            self._refuse_join(connection, frame, joining, _later(UNAVAILABLE))
        elif connection.is_open:
            self._ask(connection, frame, joining, opened=True)

    def _find(
        self,
        connection: Connection,
        frame: wire.Join,
        joining: _Joining,
        seat: Callable[[Page | None], None],
        stage: Stage | None,
    ) -> None:
        """Get what the joiner missed, where it is not here."""
        since = frame.since.position if frame.since is not None else None
        if not connection.is_open:
            return
        if stage is None:
            self._refuse_join(connection, frame, joining, _later(UNAVAILABLE))
        elif since is None or stage.feed.ring.covers(since):
            seat(None)
        elif self._monotonic() > joining.until:
            self._refuse_join(connection, frame, joining, _later(UNAVAILABLE))
        else:
            found = partial(self._found, connection, frame, joining, seat)
            self._pulls.pull(frame.room, since, _PULL_ITEMS, found)

    def _found(
        self,
        connection: Connection,
        frame: wire.Join,
        joining: _Joining,
        seat: Callable[[Page | None], None],
        page: Page | None,
    ) -> None:
        """That history does not answer now must not look as if it were lost."""
        joining.ended("history", self._monotonic())
        if page is None:
            self._refuse_join(connection, frame, joining, _later(UNAVAILABLE))
        else:
            seat(page)

    def _refuse_join(
        self, connection: Connection, frame: wire.Join, joining: _Joining, refusal: Refusal
    ) -> None:
        connection.session.settle(frame)
        self._replies.refuse(connection, frame.id, refusal)
        self._slow.took("join", self._monotonic() - joining.begin, room=frame.room, **joining.words)

    def _seat(
        self,
        connection: Connection,
        frame: wire.Join,
        joining: _Joining,
        admitted: Admitted,
        view: View,
        page: Page | None,
    ) -> None:
        """In one step: the answer with what was shown so far, and a place among those who get the rest."""
        if not connection.is_open:
            return
        session: Session = connection.session
        stage = self._feeds.get(frame.room)
        if stage is None:
            self._refuse_join(connection, frame, joining, _later(UNAVAILABLE))
            return
        if not session.settle(frame):
            self._replies.refuse(
                connection, frame.id, Refusal(CONFLICT, "out of the room before being in it")
            )
            return
        ring = stage.feed.ring
        since = frame.since.position if frame.since is not None else None
        bridge = None if page is None else page.bridge(ring, session.codec)
        history, complete = bridge or ring.snapshot(
            session.codec, since, self._limits.join_history, self._snapshot_bytes
        )
        answer = wire.Ok(
            frame.id,
            room=frame.room,
            epoch=ring.head.epoch,
            seq=ring.head.seq,
            viewers=admitted.viewers,
            likes=admitted.likes,
            settings=session.codec.value(admitted.settings),
            history=history,
            complete=complete,
            pinned=view.pinned(session.codec, ring.redaction),
            poll=view.poll(session.codec, admitted.counts),
            title=view.title,
        )
        self._replies.send(connection, answer)
        if connection.is_open and frame.room not in session.joined:
            self._feeds.seat(connection, stage)
        self._metrics.joins.inc()
        now = self._monotonic()
        joining.ended("seat", now)
        self._slow.took("join", now - joining.begin, room=frame.room, **joining.words)

    def leave(self, connection: Connection, frame: wire.Leave) -> None:
        self._feeds.leave(connection, frame.room)
        self._replies.send(connection, wire.Ok(frame.id))

    def send(self, connection: Connection, frame: wire.Send) -> None:
        identity = _identity(connection)
        if identity.role is Role.GUEST:
            # Whoever says another `device` is another guest, but cannot so easily have another address.
            wait_s = self._allowances.wait_s(connection.session.address, self._monotonic())
            if wait_s > 0:
                detail = "guests of this address say too much"
                refusal = Refusal(RATE_LIMITED, detail, retry_ms=math.ceil(wait_s * 1000))
                self._replies.refuse(connection, frame.id, refusal)
                return
        row = SendRow(
            frame.room,
            identity.uid,
            identity.name,
            identity.role_in(frame.room),
            frame.text,
            frame.cid,
            frame.mode,
            frame.color,
            frame.size,
            identity.is_member(frame.room),
            identity.is_follower(frame.room),
            identity.since_s,
        )
        self._client.submit(row, partial(self._sent, connection, frame.id))

    def _sent(self, connection: Connection, frame_id: int, answer: Answer) -> None:
        if isinstance(answer, Shown):
            ok = wire.Ok(frame_id, shown=True, epoch=answer.epoch, seq=answer.seq, at=answer.at)
            self._replies.send_soon(connection, ok)
        elif isinstance(answer, Shadowed):
            self._replies.send_soon(connection, wire.Ok(frame_id, shown=True, at=answer.at))
        elif isinstance(answer, Shed):
            self._replies.send_soon(connection, wire.Ok(frame_id, shown=False))
        elif isinstance(answer, Delayed):
            self._replies.send_soon(connection, wire.Ok(frame_id, shown=False, delay_ms=answer.ms))
        else:
            self._replies.refuse(connection, frame_id, _refusal(answer))

    def like(self, connection: Connection, frame: wire.Like) -> None:
        identity = _identity(connection)
        role = identity.role_in(frame.room)
        row = LikeRow(frame.room, identity.uid, role, frame.n, secrets.randbits(53))
        self._client.submit(row, partial(self._done, connection, frame.id))

    def vote(self, connection: Connection, frame: wire.Vote) -> None:
        identity = _identity(connection)
        role = identity.role_in(frame.room)
        row = VoteRow(frame.room, identity.uid, role, frame.poll, frame.option)
        self._client.submit(row, partial(self._done, connection, frame.id))

    def _done(self, connection: Connection, frame_id: int, answer: Answer) -> None:
        if isinstance(answer, Done):
            self._replies.send(connection, wire.Ok(frame_id))
        else:
            self._replies.refuse(connection, frame_id, _refusal(answer))

    def history(self, connection: Connection, frame: wire.History) -> None:
        """From the ring where it reaches back far enough, else from the store."""
        stage = self._feeds.get(frame.room)
        since = frame.since.position
        limit = min(frame.limit or _PAGE_ITEMS, _PULL_ITEMS)
        if stage is not None and stage.feed.ring.covers(since):
            ring = stage.feed.ring
            batches, complete = ring.since(since, limit, self._snapshot_bytes)
            codec: wire.Codec = connection.session.codec
            history = codec.history([batch.encoded(codec) for batch in batches])
            self._tell_history(connection, frame, history, ring.head, complete)
        else:
            self._pulls.pull(frame.room, since, limit, partial(self._pulled, connection, frame))

    def _pulled(self, connection: Connection, frame: wire.History, page: Page | None) -> None:
        if page is None:
            self._replies.refuse(connection, frame.id, _later(UNAVAILABLE))
        else:
            stage = self._feeds.get(frame.room)
            if stage is not None:
                page.catch_up(stage.feed.ring)
            history = page.history(connection.session.codec)
            self._tell_history(connection, frame, history, page.head, page.complete)

    def _tell_history(
        self,
        connection: Connection,
        frame: wire.History,
        history: msgspec.Raw,
        head: Position,
        complete: bool,
    ) -> None:
        answer = wire.Ok(
            frame.id,
            room=frame.room,
            epoch=head.epoch,
            seq=head.seq,
            history=history,
            complete=complete,
        )
        self._replies.send(connection, answer)


def _identity(connection: Connection) -> Identity:
    """Who speaks; the session lets nothing that needs it through before the hello."""
    identity: Identity = connection.session.identity
    return identity


def _refusal(answer: Answer) -> Refusal:
    return answer.refusal() if isinstance(answer, Refused) else Refusal(INTERNAL)


def _later(kind: Kind) -> Refusal:
    return Refusal(kind, retry_ms=_RETRY_MS)
