"""A subscription over NATS, from the socket to who receives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import structlog

from danmaku.bus import TRACE_HEADER, Receive, ReceiveTraced
from danmaku.bus.apart import apart
from danmaku.nats_library import Client, Msg
from danmaku.nats_library import Error as NatsError
from danmaku.nats_library import Subscription as Attached

FAILURES: Final = (NatsError, OSError, TimeoutError)
"""What the client library of NATS raises where the connection is at fault."""

_log: Any = structlog.get_logger("danmaku.bus")


class NatsSubscription:
    """A subscription of ours, which may live through several connections."""

    def __init__(
        self,
        known: set[NatsSubscription],
        changed: Callable[[], None],
        subject: str,
        queue: str,
        receive: Receive,
        traced: ReceiveTraced | None,
    ) -> None:
        self._known = known
        self._changed = changed
        self._subject = subject
        self._queue = queue
        self._receive = receive
        self._traced = traced
        self._attached: Attached | None = None

    async def attach(self, client: Client) -> None:
        if self in self._known:
            self._attached = await client.subscribe(self._subject, self._queue, future=Sink(self._take))

    async def unsubscribe(self) -> None:
        self._known.discard(self)
        self._changed()
        attached, self._attached = self._attached, None
        if attached is not None:
            try:
                await attached.unsubscribe()
            except FAILURES as error:
                # The server forgets it with the connection.
                _log.debug("not unsubscribed", subject=self._subject, error=repr(error))

    async def drain(self, timeout_s: float) -> None:
        attached, self._attached = self._attached, None
        if attached is not None:
            try:
                await apart(attached.drain(), timeout_s)  # type: ignore[no-untyped-call]  # it has no types
            except FAILURES as error:
                _log.debug("not drained", subject=self._subject, error=repr(error))
        await self.unsubscribe()

    def _take(self, message: Msg) -> None:
        if self not in self._known:
            return
        if message.headers and self._traced is not None and TRACE_HEADER in message.headers:
            self._traced(message.data, message.reply, message.headers[TRACE_HEADER])
        else:
            self._receive(message.data, message.reply)


class Sink(asyncio.Future[Msg]):
    """Where a subscription's messages go, one by one, straight from the reader.

    nats-py gives every other kind of subscription a queue and a task; handed a future, it calls
    `set_result` with each message. There is nothing between the socket and the receiver then, so a slow
    process is held back by TCP, and in the end disconnected by the server.
    """

    def __init__(self, take: Callable[[Msg], None]) -> None:
        super().__init__()
        self._take = take

    def set_result(self, message: Msg) -> None:
        guarded(self._take, message)


def guarded(call: Callable[..., None], *words: Any) -> None:
    """What a receiver raises must not stop the reader."""
    try:
        call(*words)
    except Exception:
        _log.exception("a receiver of the bus failed", receiver=getattr(call, "__qualname__", repr(call)))
