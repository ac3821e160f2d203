"""What a user who said hello may do in conversations: send, pull, sync, read, recall, be seen typing.

Nothing here waits. What takes time is handed over with a callback that knows the connection and the frame;
by the time it is called the connection may be closed, and answering it must then be harmless.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol, TypeVar

from danmaku import chat, wire
from danmaku.errors import INTERNAL, RATE_LIMITED, Refusal
from danmaku.telemetry import EdgeMetrics
from danmaku.wire_chat import ChatPull, ChatRead, ChatRecall, ChatSend, ChatSync, ChatTyping
from edge import chat_rows
from edge.journeys import Journeys
from edge.replies import Replies
from edge.saying import Saying
from edge.session import Session
from edge.uws import Connection

A = TypeVar("A", bound=chat.Answer)

_RETRY_MS: Final = 1000


class ChatService(Protocol):
    """What of edge.chat_client.ChatClient is needed here."""

    def submit(self, row: chat.Row, answered: Callable[[chat.Answer], None]) -> None: ...


class Conversing:
    """`answer_bytes` bounds the messages, and the conversations, in one answer."""

    def __init__(
        self,
        client: ChatService,
        replies: Replies,
        journeys: Journeys,
        metrics: EdgeMetrics,
        *,
        answer_bytes: int,
    ) -> None:
        self._answer_bytes = answer_bytes
        self._client = client
        self._replies = replies
        self._journeys = journeys
        self._metrics = metrics
        self._saying: Saying[Connection] = Saying()

    def gone(self, connection: Connection) -> None:
        """It was closed. That a device is gone is a hint: it is forgotten after a while in any case."""
        self._saying.leave(connection)
        session: Session = connection.session
        if session.counted is not None and session.identity is not None:
            device, _, name = session.counted
            self._client.submit(chat.LeftRow(session.identity.uid, device, name), _ignore)

    def send(self, connection: Connection, frame: ChatSend) -> None:
        """One after the other: the order in which a connection says things is the order they get."""
        now = self._saying.add(connection, frame)
        if now is None:
            refusal = Refusal(RATE_LIMITED, "too many messages wait for the one before", retry_ms=_RETRY_MS)
            self._replies.refuse(connection, frame.id, refusal)
        elif now:
            self._say(connection, frame)

    def _say(self, connection: Connection, frame: ChatSend) -> None:
        session: Session = connection.session
        name, n = session.order or (_session_name(session), 0)
        session.order = name, n + 1
        try:
            row = chat_rows.send_row(
                _uid(connection), frame.to, frame.conv, frame.cid, frame.body, frame.mention, session.order
            )
        except Refusal as refusal:
            self._replies.refuse(connection, frame.id, refusal)
            self._go_on(connection)
        else:
            self._client.submit(row, partial(self._said, connection, frame, time.monotonic()))

    def _said(self, connection: Connection, frame: ChatSend, asked_s: float, answer: chat.Answer) -> None:
        if isinstance(answer, chat.Said) and not answer.duplicate and connection.session.chat:
            self._journeys.said(answer.conv, answer.seq, asked_s)
        self._tell_said(connection, frame.id, answer)
        self._go_on(connection)

    def _go_on(self, connection: Connection) -> None:
        following = self._saying.done(connection)
        if following is not None:
            self._say(connection, following)

    def recall(self, connection: Connection, frame: ChatRecall) -> None:
        row = chat.RecallRow(_uid(connection), frame.conv, frame.seq)
        self._client.submit(row, partial(self._tell_said, connection, frame.id))

    def _tell_said(self, connection: Connection, frame_id: int, answer: chat.Answer) -> None:
        said = self._expect(connection, frame_id, answer, chat.Said)
        if said is not None:
            ok = wire.Ok(frame_id, conv=said.conv, seq=said.seq, at=said.at, duplicate=said.duplicate)
            self._replies.send(connection, ok)

    def pull(self, connection: Connection, frame: ChatPull) -> None:
        self._metrics.chat_pulled.inc(len(frame.convs))
        row = chat_rows.pull_row(_uid(connection), frame.convs, self._answer_bytes)
        self._client.submit(row, partial(self._pulled, connection, frame.id))

    def _pulled(self, connection: Connection, frame_id: int, answer: chat.Answer) -> None:
        pulled = self._expect(connection, frame_id, answer, chat.Pulled)
        if pulled is not None:
            results = chat_rows.results(connection.session.codec, pulled)
            self._replies.send(connection, wire.Ok(frame_id, results=results))

    def sync(self, connection: Connection, frame: ChatSync) -> None:
        row = chat_rows.sync_row(_uid(connection), frame.limit, frame.cursor, self._answer_bytes)
        self._client.submit(row, partial(self._synced, connection, frame.id))

    def _synced(self, connection: Connection, frame_id: int, answer: chat.Answer) -> None:
        synced = self._expect(connection, frame_id, answer, chat.Synced)
        if synced is not None:
            convs = chat_rows.summaries(connection.session.codec, synced)
            more = synced.cursor is not None
            self._replies.send(connection, wire.Ok(frame_id, convs=convs, more=more, cursor=synced.cursor))

    def read(self, connection: Connection, frame: ChatRead) -> None:
        row = chat.ReadRow(_uid(connection), frame.conv, frame.seq)
        self._client.submit(row, partial(self._read, connection, frame.id))

    def _read(self, connection: Connection, frame_id: int, answer: chat.Answer) -> None:
        read = self._expect(connection, frame_id, answer, chat.ReadUpTo)
        if read is not None:
            self._replies.send(connection, wire.Ok(frame_id, read_seq=read.seq))

    def typing(self, connection: Connection, frame: ChatTyping) -> None:
        row = chat.TypingRow(_uid(connection), frame.conv)
        self._client.submit(row, partial(self._typed, connection, frame.id))

    def _typed(self, connection: Connection, frame_id: int, answer: chat.Answer) -> None:
        if self._expect(connection, frame_id, answer, chat.Done) is not None:
            self._replies.send(connection, wire.Ok(frame_id))

    def _expect(self, connection: Connection, frame_id: int, answer: chat.Answer, kind: type[A]) -> A | None:
        """The answer if it is a `kind`; otherwise the connection is told no."""
        if not connection.is_open:
            return None
        if isinstance(answer, kind):
            return answer
        refusal = answer.refusal() if isinstance(answer, chat.Refused) else Refusal(INTERNAL)
        self._replies.refuse(connection, frame_id, refusal)
        return None


def _uid(connection: Connection) -> str:
    """Who speaks; the session lets no chat frame through before the hello."""
    uid: str = connection.session.identity.uid
    return uid


def _session_name(session: Session) -> str:
    """Under which the order of its messages is kept; that of the connection where it has one."""
    return secrets.token_urlsafe(9) if session.counted is None else session.counted.session


def _ignore(_: chat.Answer) -> None:
    """Nobody is left to be told."""
