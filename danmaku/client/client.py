"""The client: the rooms joined over one connection that comes back by itself."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Coroutine, Sequence
from random import random
from types import TracebackType
from typing import Any, Final, Literal, Self
from weakref import WeakSet

from danmaku import errors
from danmaku.client.calls import Calls
from danmaku.client.chat import Chat
from danmaku.client.connection import Connection, Listener, TokenSource
from danmaku.client.edges import asking, http_url
from danmaku.client.groups import Groups
from danmaku.client.inbox import Inbox
from danmaku.client.link import Link, Lost, until_answered
from danmaku.client.pace import Timing
from danmaku.client.results import ConnectionChange, Notice, ReadBy, TypingBy
from danmaku.client.room import Room
from danmaku.client.staff import Staff
from danmaku.errors import Refusal
from danmaku.model import Position
from danmaku.wire import JSON, MSGPACK, Aside, Batch, Codec, Hello, Ok, Ping, ServerFrame, Skip, Stats
from danmaku.wire import Notice as NoticeFrame
from danmaku.wire_chat import Chat as ChatFrame
from danmaku.wire_chat import Head, Read, Typing

_CODECS: Final[dict[str, Codec]] = {"msgpack": MSGPACK, "json": JSON}
_EVENTS: Final = 1000
Happening = Notice | ConnectionChange | ReadBy | TypingBy
_log = logging.getLogger("danmaku.client")


class Client:
    """A connection to the service, as an async context manager.

    url: where the service is; `http://host:8080`, `host:8080` and `ws://host:8080/v1/ws` say the same. Of
        several the first one that takes this client, and another one after each connection that was lost.
    find: ask the service where to connect (`GET /v1/edges`), each time; near `region` first.
    token: who you are; or an async function that gives a fresh token for each connection. None: a guest.
    device: a secret of this device's own; a guest with the same one keeps its uid, and of a logged-in
        user's clients with the same one the newest replaces the others. None: one is made up for this client.
    name: how a guest wants to be called.
    chat: whether this client wants to be told what is said in the user's conversations; needs a token.
    protocol: "msgpack", or "json".
    deflate: whether what rooms show may come compressed.

    Entering connects and raises Refusal when that fails (`unavailable` when nobody answers). From
    then on a lost connection is made again, with backoff, and its rooms are joined again where
    they stood. When the service says not to come back (`unauthorized`, `banned`; `conflict` when it was
    replaced), the client is over: calls and iterations raise that.
    """

    def __init__(
        self,
        url: str | Sequence[str],
        *,
        find: bool = False,
        region: str = "",
        token: str | TokenSource | None = None,
        device: str | None = None,
        name: str | None = None,
        chat: bool = False,
        protocol: Literal["msgpack", "json"] = "msgpack",
        deflate: bool = True,
        timing: Timing | None = None,
    ) -> None:
        self.uid = ""
        self.name = name or ""
        self.role = ""
        self.session = ""
        self._codec = _CODECS[protocol]
        self._timing = timing or Timing()
        self._random = random
        # without one a guest would be somebody else after a reconnect, and a repeated send a new comment
        device = device or secrets.token_urlsafe(24)
        hello = Hello(0, device=device, name=name, chat=chat, deflate=deflate)
        listener = Listener(self._opened, self._greeted, self._delivered, self._lost, self._ended)
        self._connection = Connection(
            [url] if isinstance(url, str) else url,
            asking(region, self._timing.connect) if find else None,
            self._codec,
            hello,
            token,
            listener,
            self._timing,
            self._random,
        )
        self.chat = Chat(
            self._codec, self._connection.linked, self._spawn, self._timing, self._random, listens=chat
        )
        calls = Calls(lambda: http_url(self._connection.url), token, self._timing, self._random)
        self.groups = Groups(calls, lambda: self.uid)
        self.staff = Staff(calls)
        self._rooms: dict[str, Room] = {}
        self._withdrawals: dict[str, asyncio.Task[None]] = {}
        self._listeners: WeakSet[Inbox[Happening]] = WeakSet()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._spawn(self._connection.run())
        try:
            await self._connection.linked()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Say goodbye and end everything this client began. Idempotent."""
        self._connection.end(Refusal(errors.UNAVAILABLE, "the client is closed"), wished=True)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def join(
        self,
        room: str,
        *,
        since: Position | None = None,
        history: bool = True,
        buffer: int = 10_000,
        timeout_s: float | None = None,
    ) -> Room:
        """Come into `room` and watch it.

        since: resume after this position (`Room.position` of an earlier visit).
        history: also give what the room showed lately; False begins with what is shown from now on.
        buffer: so many items wait for a slow reader; beyond it the oldest are dropped.

        Raises Refusal; `conflict` when this client is in that room already. Cancel-safe.
        """
        if room in self._withdrawals:
            await asyncio.wait({self._withdrawals[room]})
        if room in self._rooms:
            raise Refusal(errors.CONFLICT, f"this client is in the room {room} already")
        handle = Room(
            room,
            self._codec,
            self._spawn,
            self._forget,
            self._timing,
            self._random,
            since=since,
            history=history,
            buffer=buffer,
        )
        self._rooms[room] = handle
        try:
            limit = self._timing.answer if timeout_s is None else timeout_s
            await until_answered(self._connection.linked, handle._enter, timeout_s=limit, random=self._random)
        except BaseException as error:
            self._forget(handle)
            if not isinstance(error, Refusal) or error.kind.retry:
                self._withdraw(handle)
            raise
        return handle

    async def ping(self, *, timeout_s: float | None = None) -> int:
        """The server's clock in ms since 1970. Raises Refusal (`timeout` when no answer comes)."""
        limit = self._timing.answer if timeout_s is None else timeout_s
        ok = await until_answered(
            self._connection.linked, lambda link: link.ask(Ping(0)), timeout_s=limit, random=self._random
        )
        return ok.server_time or 0

    def events(self) -> Inbox[Happening]:
        """Notices, changes of the connection, and who reads and types, from now on: an async iterator that
        ends with the client.

        A reader that falls behind by 1,000 loses the oldest.
        """
        inbox: Inbox[Happening] = Inbox(_EVENTS)
        if self._connection.refusal is not None:
            inbox.end()
        self._listeners.add(inbox)
        return inbox

    def _opened(self, link: Link) -> None:
        for room in self._rooms.values():
            if room._entered:
                self._spawn(self._return(room, link))

    def _greeted(self, ok: Ok) -> None:
        self.uid, self.name, self.role = ok.uid or "", ok.name or "", ok.role or ""
        self.session = ok.session or ""
        self._tell(ConnectionChange("connected"))
        self.chat._resync()

    def _delivered(self, frame: ServerFrame) -> None:
        if isinstance(frame, Batch | Aside | Skip | Stats):
            room = self._rooms.get(frame.room)
            if room is not None:
                room._take(frame)
        elif isinstance(frame, ChatFrame | Head):
            self.chat._take(frame)
        elif isinstance(frame, Read):
            self._tell(ReadBy(frame.conv, frame.uid, frame.seq))
        elif isinstance(frame, Typing):
            self._tell(TypingBy(frame.conv, frame.uid))
        elif isinstance(frame, NoticeFrame):
            self._tell(Notice(frame.kind, frame.room, frame.reason, frame.retry_ms, frame.text))
            self._obey(frame)

    def _lost(self, code: int, reason: str, retry_s: float) -> None:
        for room in self._rooms.values():
            room._lose()
        self._tell(ConnectionChange("lost", code, reason, retry_s))

    def _ended(self, refusal: Refusal, wished: bool) -> None:
        self._tell(ConnectionChange("closed", reason=refusal.message))
        for room in self._rooms.values():
            room._end(refusal, quietly=wished)
        self._rooms.clear()
        self.chat._end(refusal, quietly=wished)
        for inbox in list(self._listeners):
            inbox.end()

    def _obey(self, notice: NoticeFrame) -> None:
        link = self._connection.link
        concerned = [room for room in self._rooms.values() if notice.room == room.name]
        if notice.kind == "reconnect":
            self._spawn(self._connection.move(notice.retry_ms or 0))
        elif notice.kind in ("kicked", "banned") and notice.room is not None:
            for room in concerned:
                self._forget(room)
                room._end(_why_out(notice), quietly=False)
        elif notice.kind == "resync" and notice.room is None:
            self.chat._resync()
        elif notice.kind == "resync" and link is not None:
            for room in concerned:
                room._lose()
                self._spawn(self._return(room, link))

    async def _return(self, room: Room, link: Link) -> None:
        """Join again, until it is done, refused for good, or the connection is lost again."""
        wait_s = self._timing.first_retry
        while link.alive and self._rooms.get(room.name) is room:
            try:
                async with asyncio.timeout(self._timing.answer):
                    await room._enter(link)
            except Lost:
                return
            except (Refusal, TimeoutError) as error:
                refusal = error if isinstance(error, Refusal) else Refusal(errors.TIMEOUT)
                if not refusal.kind.retry:
                    self._forget(room)
                    room._end(refusal, quietly=False)
                    return
                await asyncio.sleep(max(self._random() * wait_s, (refusal.retry_ms or 0) / 1000))
                wait_s = min(wait_s * 2, self._timing.most_retry)
            else:
                return

    def _withdraw(self, room: Room) -> None:
        """A join that was given up may have succeeded: leave, and do so before the room is joined again."""
        link = self._connection.link
        task = None if link is None else self._spawn(room._say_leave(link))
        if task is not None:
            self._withdrawals[room.name] = task
            task.add_done_callback(lambda _: self._withdrawals.pop(room.name, None))

    def _forget(self, room: Room) -> None:
        if self._rooms.get(room.name) is room:
            del self._rooms[room.name]

    def _tell(self, event: Happening) -> None:
        for inbox in list(self._listeners):
            inbox.put(event)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
        """Run `work` in a task that ends with this client; not at all when it has ended."""
        if self._connection.refusal is not None:
            work.close()
            return None
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a task of the client failed", exc_info=error)


def _why_out(notice: NoticeFrame) -> Refusal:
    """Why a room was taken away."""
    if notice.kind == "banned":
        return Refusal(errors.BANNED, notice.reason, retry_ms=notice.retry_ms)
    return Refusal(errors.FORBIDDEN, notice.reason or "you were sent out of the room")
