"""WebSocket viewers: who is let in, who they are, and what each of their frames sets off."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any, Final

from config.settings import Edge
from danmaku import wire, wire_chat
from danmaku.auth import Authority
from danmaku.envelope import Replaced
from danmaku.errors import (
    BANNED,
    CONFLICT,
    DISPLACED,
    ENDED,
    INTERNAL,
    RATE_LIMITED,
    REPLACED,
    TOO_MANY_DEVICES,
    UNAUTHORIZED,
    UNAVAILABLE,
    UPGRADE_REQUIRED,
    Close,
    Refusal,
)
from danmaku.model import Identity
from danmaku.rows import HelloRow, Refused
from danmaku.telemetry import EdgeMetrics
from edge.admission import Admission
from edge.channels import Answer
from edge.conversing import Conversing
from edge.deliveries import Deliveries
from edge.feeds import Feeds
from edge.patience import Newcomers, Rounds
from edge.replies import Replies
from edge.rooms_client import RoomsClient
from edge.roster import Roster
from edge.session import Action, Counted, End, Refuse, Session
from edge.uws import Accept, Connection, Request, Response
from edge.viewing import Viewing
from edge.welcome import Welcome

logger = logging.getLogger(__name__)

_ENDS: Final = {
    "replaced": (Close.REPLACED, REPLACED),
    "displaced": (Close.REPLACED, DISPLACED),
    "ended": (Close.UNAUTHORIZED, ENDED),
}


class Gateway:
    """The handler of `/v1/ws`. `monotonic` and `wall` are clocks in seconds, `name` is the edge's id."""

    def __init__(
        self,
        name: str,
        authority: Authority,
        client: RoomsClient,
        feeds: Feeds,
        viewing: Viewing,
        conversing: Conversing,
        deliveries: Deliveries,
        replies: Replies,
        roster: Roster[Connection],
        newcomers: Newcomers[Connection],
        counted: Rounds[Connection],
        admission: Admission,
        welcome: Welcome,
        limits: Edge,
        metrics: EdgeMetrics,
        *,
        frame_bytes: int,
        monotonic: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self._name = name
        self._authority = authority
        self._client = client
        self._feeds = feeds
        self._conversing = conversing
        self._deliveries = deliveries
        self._replies = replies
        self._roster = roster
        self._newcomers = newcomers
        self._counted = counted
        self._admission = admission
        self._welcome = welcome
        self._limits = limits
        self._metrics = metrics
        self._frame_bytes = frame_bytes
        self._monotonic = monotonic
        self._wall = wall
        self._warned = False
        self._sessions = f"{secrets.token_urlsafe(9)}."  # what their names begin with
        self._numbers = count(1)
        self._acts: dict[type, Callable[[Connection, Any], None]] = {
            wire.Hello: self._hello,
            wire.Join: viewing.join,
            wire.Leave: viewing.leave,
            wire.Send: viewing.send,
            wire.Like: viewing.like,
            wire.Vote: viewing.vote,
            wire.History: viewing.history,
            wire_chat.ChatSend: conversing.send,
            wire_chat.ChatPull: conversing.pull,
            wire_chat.ChatSync: conversing.sync,
            wire_chat.ChatRead: conversing.read,
            wire_chat.ChatRecall: conversing.recall,
            wire_chat.ChatTyping: conversing.typing,
            wire.Ping: self._ping,
            Refuse: self._refuse_frame,
            End: self._end,
        }

    # What edge.uws calls.

    def each_s(self, now: float) -> float:
        return self._welcome.each_s(now)

    def arrive(self, address: str) -> bool:
        admitted = self._admission.arrive(address, self._monotonic())
        if not admitted:
            self._metrics.turned_away.inc()
        return admitted

    def said_goodbye(self, address: str) -> None:
        self._admission.said_goodbye(address)

    def gone(self, address: str) -> None:
        self._admission.gone(address)

    def upgrade(self, request: Request) -> Accept | Response:
        try:
            admitted = self._admission.judge(request.headers, request.address, self._monotonic())
            identity = self._bearer(request.headers.get("authorization"))
        except Refusal as refusal:
            self._metrics.refusals.labels(refusal.name).inc()
            self._warn_of_proxy(request, refusal)
            if refusal.kind is not UNAVAILABLE:
                self._welcome.came_for_nothing(self._monotonic())
            return _refused_upgrade(refusal)
        session = Session(admitted.codec, self._limits, identity, admitted.address)
        offered = request.headers.get("sec-websocket-protocol")
        return Accept(admitted.codec.protocol if offered else None, session)

    def opened(self, connection: Connection) -> None:
        self._admission.opened(connection.session.address)
        self._newcomers.came(connection, self._monotonic())
        self._metrics.connections.inc()

    def received(self, connection: Connection, message: bytes, binary: bool) -> None:
        if len(message) > self._frame_bytes:
            connection.close(Close.FRAME_TOO_LARGE, f"a message holds at most {self._frame_bytes} bytes")
            return
        session: Session = connection.session
        now = self._monotonic()
        frames = session.codec.decode(message)
        self._metrics.frames_in.inc(len(frames))
        was_greeted = session.greeted
        for frame in frames:
            self._act(connection, session.receive(frame, now))
        if not was_greeted:
            self._answer_hello(connection)

    def beat(self, connection: Connection) -> None:
        self._act(connection, connection.session.beat(self._monotonic()))

    def closed(self, connection: Connection, code: int, reason: bytes) -> None:
        session: Session = connection.session
        if not session.greeted:
            self._welcome.came_for_nothing(self._monotonic())
        for room in session.joined:
            self._feeds.leave(connection, room)
        if session.identity is not None:
            self._roster.depart(session.identity.uid, connection)
        self._counted.leave(connection)
        self._conversing.gone(connection)
        if session.chat:
            self._deliveries.depart(connection)
        self._admission.closed(session.address)
        self._metrics.connections.inc(-1)

    # What the bus says.

    def replaced(self, replaced: Replaced) -> None:
        """Close the older connections of a device, or all that it had when its session was ended."""
        for connection in self._roster.connections(replaced.uid):
            counted: Counted | None = connection.session.counted
            if counted is not None and counted.device == replaced.device and counted.n < replaced.below:
                connection.close(*_ENDS[replaced.why])

    # What edge.upkeep calls.

    def check(self, connection: Connection) -> None:
        """Ask again what was asked at the hello of a counted connection: a notice may have been lost."""
        session: Session = connection.session
        if session.identity is not None:
            row = self._hello_row(session.identity, session.counted)
            self._client.submit_user(row, partial(self._checked_again, connection))
            self._deliveries.check(connection)

    def _checked_again(self, connection: Connection, answer: Answer) -> None:
        if isinstance(answer, Refused) and not (refusal := answer.refusal()).kind.retry:
            connection.close(_close_code(refusal), refusal.message)

    def _warn_of_proxy(self, request: Request, refusal: Refusal) -> None:
        """Once: all viewers of a proxy that is not believed share what one address may have."""
        is_proxied = "x-forwarded-for" in request.headers and not self._admission.is_proxy(request.address)
        if refusal.kind is RATE_LIMITED and is_proxied and not self._warned:
            self._warned = True
            logger.warning(
                "%s asks for others and has too many connections: is it a proxy? see edge.trusted_proxies",
                request.address,
            )

    # What frames do.

    def _act(self, connection: Connection, action: Action) -> None:
        if action is None or not connection.is_open:
            return
        try:
            self._acts[type(action)](connection, action)
        except Exception:
            logger.exception("a frame could not be acted on")
            if not isinstance(action, End):
                self._replies.refuse(connection, action.id, Refusal(INTERNAL))

    def _end(self, connection: Connection, end: End) -> None:
        connection.close(end.code, end.reason)

    def _refuse_frame(self, connection: Connection, refuse: Refuse) -> None:
        self._replies.refuse(connection, refuse.id, refuse.refusal)

    def _ping(self, connection: Connection, frame: wire.Ping) -> None:
        self._replies.send(connection, wire.Ok(frame.id, server_time=self._now_ms()))

    def _hello(self, connection: Connection, frame: wire.Hello) -> None:
        """A guest is greeted at once; whether a token was revoked, the rooms processes know."""
        session: Session = connection.session
        try:
            if frame.token is not None:
                identity = self._authority.verify(frame.token, self._wall())
            elif session.identity is not None:
                identity = session.identity
            else:
                identity = self._authority.guest(frame.device, frame.name)
                self._introduce(connection, identity)
                self._greet(connection, frame, identity)
                return
        except Refusal as refusal:
            self._turn_away(connection, frame.id, refusal)
            return
        if frame.device is not None and frame.n is not None:
            session.counted = Counted(frame.device, frame.n, self._session_name())
        self._introduce(connection, identity)
        row = self._hello_row(identity, session.counted)
        self._client.submit_user(row, partial(self._checked, connection, frame, identity))

    def _introduce(self, connection: Connection, identity: Identity) -> None:
        """Before the token is checked: a revocation just after that must find the connection."""
        connection.session.identity = identity
        self._roster.arrive(identity.uid, connection)

    def _hello_row(self, identity: Identity, counted: Counted | None) -> HelloRow:
        row = HelloRow(identity.uid, identity.issued_ms, role=identity.role)
        if counted is not None:
            row.device, row.n, row.edge, row.session = counted.device, counted.n, self._name, counted.session
        return row

    def _checked(self, connection: Connection, frame: wire.Hello, identity: Identity, answer: Answer) -> None:
        if isinstance(answer, Refused):
            self._turn_away(connection, frame.id, answer.refusal())
        else:
            self._greet(connection, frame, identity)
            self._answer_hello(connection)

    def _answer_hello(self, connection: Connection) -> None:
        """Now, if it was good, unless a join came with it: then with the answer to that."""
        if not connection.session.is_joining:
            self._replies.release(connection)

    def _turn_away(self, connection: Connection, frame_id: int, refusal: Refusal) -> None:
        if refusal.kind is UNAVAILABLE:  # he may have become one, and is no flood
            self._welcome.became_viewer(self._monotonic())
        self._replies.refuse(connection, frame_id, refusal)
        connection.close(_close_code(refusal), refusal.message)

    def _greet(self, connection: Connection, frame: wire.Hello, identity: Identity) -> None:
        if not connection.is_open:
            return
        session: Session = connection.session
        held = session.greet(identity)
        self._welcome.became_viewer(self._monotonic())
        session.deflate = frame.deflate and self._limits.deflate_bytes > 0
        if session.counted is not None:
            self._counted.come(connection, self._monotonic())
        answer = wire.Ok(
            frame.id,
            uid=identity.uid,
            name=identity.name,
            role=identity.role.label,
            session=self._session_name() if session.counted is None else session.counted.session,
            heartbeat_ms=round(self._limits.heartbeat_s * 1000),
            frame_bytes=self._frame_bytes,
            deflate=session.deflate or None,
            server_time=self._now_ms(),
        )
        if session.chat:  # what is delivered goes out by another way
            self._replies.send(connection, answer)
            if connection.is_open:
                self._deliveries.arrive(connection)
        else:
            self._replies.hold(connection, answer)
        for action in held:
            self._act(connection, action)

    def _session_name(self) -> str:
        """Of one connection only, and no secret: random bytes for each would be a call of the system."""
        return f"{self._sessions}{next(self._numbers)}"

    def _now_ms(self) -> int:
        return int(self._wall() * 1000)

    def _bearer(self, header: str | None) -> Identity | None:
        """Whom the upgrade's token names. Raises Refusal."""
        if header is None:
            return None
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise Refusal(UNAUTHORIZED, "the Authorization header must be: Bearer <token>")
        return self._authority.verify(token.strip(), self._wall())


def _close_code(refusal: Refusal) -> Close:
    """How a connection ends whose hello is answered so."""
    if refusal.kind.retry:
        return Close.UNAVAILABLE
    codes = {CONFLICT: Close.REPLACED, TOO_MANY_DEVICES: Close.REPLACED, BANNED: Close.BANNED}
    return codes.get(refusal.kind, Close.UNAUTHORIZED)


def _refused_upgrade(refusal: Refusal) -> Response:
    error: dict[str, Any] = {"code": refusal.code, "error": refusal.name, "message": refusal.message}
    headers = [("Content-Type", "application/json")]
    if refusal.kind is UPGRADE_REQUIRED:
        headers.append(("Upgrade", "websocket"))
    if refusal.retry_ms is not None:
        error["retry_ms"] = refusal.retry_ms
        headers.append(("Retry-After", str(-(-refusal.retry_ms // 1000))))
    return Response(refusal.kind.status, json.dumps({"error": error}).encode(), tuple(headers))
