"""The bus: a port, and NATS behind it. What is published here is a hint; a request has a deadline.

Hard because a client library that reconnects by itself also keeps what was published meanwhile and
sends it late. So a lost connection is thrown away whole, with all it still buffered, and a new one
takes over the subscriptions. Requests that wait when it is lost fail at once.

That library also swallows cancellations, and cancels futures that others of its tasks wait for. So what
it does for longer than a moment runs in a task of its own (`_apart`): neither reaches the caller.

A process that does not read in time is thrown out by the server as a slow consumer. That is a lost
connection like any other: what was sent meanwhile is missing, and whoever follows something looks for it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from secrets import token_hex
from typing import Any, Final, Protocol

import structlog
from prometheus_client import CollectorRegistry

from config.engines import urls
from config.settings import Nats
from danmaku.login import LoginError, nats_options
from danmaku.nats_library import Client, Msg
from danmaku.nats_library import Error as NatsError
from danmaku.nats_library import Subscription as NatsSubscription
from danmaku.slow import Slow
from danmaku.telemetry import BusMetrics, SlowMetrics


class BusDown(Exception):
    """There is no connection now, or the server did not take the message."""


class NoResponder(BusDown):
    """Nobody listens at that subject."""


class BusTimeout(BusDown):
    """No reply came in time; whether the request was carried out is unknown."""


Receive = Callable[[bytes, str], None]
"""Called with (payload, reply subject or ""). Synchronous and quick; it spawns what takes time."""

ReceiveTraced = Callable[[bytes, str, str], None]
"""As `Receive`, for a message of which something is followed: the third word says what (danmaku/tracing)."""


class Subscription(Protocol):
    async def unsubscribe(self) -> None:
        """Stop receiving. Safe to call twice, and while the bus is down."""

    async def drain(self, timeout_s: float) -> None:
        """Stop receiving once everything has come that the server sent here until now: of a queue group
        nobody else gets that. Takes no longer than `timeout_s`. Safe as `unsubscribe` is."""


class Bus(Protocol):
    """At-most-once messages between processes. Nothing is buffered while disconnected."""

    @property
    def connected(self) -> bool: ...

    def on_reconnect(self, listener: Callable[[], None]) -> None:
        """Call `listener` each time a lost or late connection is there, with all subscriptions in place.

        What was published in between never arrived: whoever follows something looks for gaps now.
        """

    async def publish(self, subject: str, payload: bytes, trace: str = "") -> None:
        """Send and forget, with `trace` as the header `traceparent`. Raises BusDown when not connected."""

    async def request(self, subject: str, payload: bytes, timeout_s: float, trace: str = "") -> bytes:
        """One request, one reply. Raises NoResponder at once, BusTimeout after `timeout_s`, BusDown.

        Safe to cancel; whether the request was carried out is then unknown.
        """

    async def subscribe(
        self, subject: str, receive: Receive, queue: str = "", traced: ReceiveTraced | None = None
    ) -> Subscription:
        """Receive what is published from now on; with `queue`, each message goes to one of its members.

        traced: takes messages that have a trace, instead of `receive`.
        Survives reconnects. Raises BusDown when not connected.
        """

    async def flush(self, timeout_s: float) -> None:
        """Return when the server has everything said so far, subscriptions included. Raises BusDown."""

    async def close(self) -> None: ...


TRACE_HEADER: Final = "traceparent"

_PENDING_BYTES: Final = 8 * 1024 * 1024  # more than this unsent means that the server does not keep up
_PING_S: Final = 2.0  # a connection that is dead without saying so is noticed after three of them
_WATCH_S: Final = 0.25
_CLOSE_S: Final = 1.0
_RETRY_S: Final = 0.1
_RETRY_MOST_S: Final = 2.0
_TELLINGS: Final = 10
_NO_RESPONDERS: Final = "503"
_REASONS: Final = {"slow consumer": "slow_consumer", "stale connection": "stale"}
_FAILURES: Final = (NatsError, OSError, TimeoutError)

_log: Any = structlog.get_logger("danmaku.bus")


class NatsBus:
    """The Bus over NATS core. Made by `connect`."""

    def __init__(
        self, settings: Nats, name: str, metrics: BusMetrics | None = None, slow: Slow | None = None
    ) -> None:
        nats_options(settings)  # what is wrong with its files is better said now
        self._settings = settings
        self._metrics = metrics or BusMetrics(CollectorRegistry())
        self._slow = slow or Slow(0, SlowMetrics(CollectorRegistry()))
        self._servers = urls(settings.url)
        self._where = ", ".join(server.rpartition("@")[2] for server in self._servers)  # without passwords
        self._timeout_s = settings.timeout_s
        self._name = name
        self._client: _Client | None = None
        self._lost = asyncio.Event()
        self._subscriptions: set[_NatsSubscription] = set()
        self._listeners: list[Callable[[], None]] = []
        self._inbox = f"_INBOX.{token_hex(12)}."
        self._requests: dict[str, asyncio.Future[bytes]] = {}
        self._request_number = 0
        self._keeper: asyncio.Task[None] | None = None

    @classmethod
    async def connect(
        cls, settings: Nats, name: str, metrics: BusMetrics | None = None, slow: Slow | None = None
    ) -> NatsBus:
        """Connect to one of the servers in `url` (separated by commas). Raises LoginError, and BusDown after
        `timeout_s`."""
        bus = cls(settings, name, metrics, slow)
        bus._client = await bus._open()
        bus._keeper = asyncio.create_task(bus._keep(), name="bus keeper")
        return bus

    @classmethod
    def start(
        cls, settings: Nats, name: str, metrics: BusMetrics | None = None, slow: Slow | None = None
    ) -> NatsBus:
        """Not connected yet: goes on trying, as after a connection was lost. To be closed all the same.

        Raises LoginError.
        """
        bus = cls(settings, name, metrics, slow)
        bus._lost.set()
        bus._keeper = asyncio.create_task(bus._keep(), name="bus keeper")
        return bus

    @property
    def connected(self) -> bool:
        return self._client is not None and bool(self._client.is_connected)

    def on_reconnect(self, listener: Callable[[], None]) -> None:
        self._listeners.append(listener)

    async def publish(self, subject: str, payload: bytes, trace: str = "") -> None:
        await self._send(subject, payload, "", trace)

    async def request(self, subject: str, payload: bytes, timeout_s: float, trace: str = "") -> bytes:
        begin = time.monotonic()
        try:
            return await self._answered(self._live(), subject, payload, timeout_s, trace)
        finally:
            self._slow.took("bus", time.monotonic() - begin, subject=subject, bytes=len(payload))

    async def subscribe(
        self, subject: str, receive: Receive, queue: str = "", traced: ReceiveTraced | None = None
    ) -> Subscription:
        client = self._live()
        subscription = _NatsSubscription(self._subscriptions, self._count, subject, queue, receive, traced)
        self._subscriptions.add(subscription)
        self._count()
        try:
            await subscription.attach(client)
        except BaseException as error:
            self._subscriptions.discard(subscription)
            self._count()
            if isinstance(error, _FAILURES):
                raise BusDown(f"cannot subscribe to {subject}: {error!r}") from error
            raise
        return subscription

    async def flush(self, timeout_s: float) -> None:
        await self._echo(self._live(), timeout_s)

    async def close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        client, self._client = self._client, None
        self._fail_requests()
        if client is not None:
            await self._discard(client)

    def _count(self) -> None:
        self._metrics.subscriptions.set(len(self._subscriptions))

    def _live(self) -> _Client:
        client = self._client
        if client is None or not client.is_connected:
            self._lost.set()
            raise BusDown("not connected to the bus")
        return client

    async def _send(
        self, subject: str, payload: bytes, reply: str, trace: str = "", client: Client | None = None
    ) -> None:
        client = client or self._live()
        if client.pending_data_size > _PENDING_BYTES:
            raise BusDown("the bus does not take messages as fast as they are sent")
        try:
            await client.publish(subject, payload, reply, {TRACE_HEADER: trace} if trace else None)
        except _FAILURES as error:
            raise BusDown(f"cannot publish to {subject}: {error!r}") from error

    async def _answered(
        self, client: Client, subject: str, payload: bytes, timeout_s: float, trace: str = ""
    ) -> bytes:
        """Send with a reply subject of its own and wait. An empty `subject` is that reply subject itself."""
        loop = asyncio.get_running_loop()
        self._request_number += 1
        token = str(self._request_number)
        answer: asyncio.Future[bytes] = loop.create_future()
        self._requests[token] = answer
        timer = loop.call_later(timeout_s, _expire, answer, subject)
        reply = self._inbox + token
        try:
            await self._send(subject or reply, payload, reply if subject else "", trace, client)
            return await answer
        finally:
            timer.cancel()
            del self._requests[token]

    async def _echo(self, client: Client, timeout_s: float) -> None:
        # The server takes what one connection says in order. A PING would do, but nats-py stops reading
        # when the PONG of a ping that was given up comes after all.
        await self._answered(client, "", b"", timeout_s)

    def _replied(self, message: Msg) -> None:
        answer = self._requests.get(message.subject[len(self._inbox) :])
        if answer is None or answer.done():
            return  # given up before
        if message.headers and message.headers.get("Status") == _NO_RESPONDERS:
            answer.set_exception(NoResponder("nobody listens there"))
        else:
            answer.set_result(message.data)

    def _fail_requests(self) -> None:
        for answer in self._requests.values():
            if not answer.done():
                answer.set_exception(BusDown("the connection was lost while waiting for the reply"))

    async def _open(self) -> _Client:
        """A new connection that holds all subscriptions. Raises BusDown."""
        try:
            options = nats_options(self._settings)
        except LoginError as error:
            raise BusDown(str(error)) from error
        client = _Client()
        why: list[Exception] = []

        async def failed(error: Exception) -> None:
            why[:] = [error]
            if self.connected:
                _log.error("bus error", error=repr(error))

        async def lost() -> None:
            self._lost.set()
            self._fail_requests()
            if not client.is_closed:
                await asyncio.Event().wait()  # nats-py would mend it now; it waits here until it is discarded

        async def connect() -> None:
            await client.connect(
                self._servers,
                **options,
                name=self._name,
                error_cb=failed,
                disconnected_cb=lost,
                max_reconnect_attempts=1,  # more than one try for each server now; 0 would be for ever
                reconnect_time_wait=0,
                ping_interval=_PING_S,  # type: ignore[arg-type]  # it is only ever slept
                pending_size=0,
                flusher_queue_size=0,  # unbounded: a full one would hold up whoever subscribes, and the pings
            )
            await client.subscribe(self._inbox + "*", future=_Sink(self._replied))
            for subscription in list(self._subscriptions):
                await subscription.attach(client)
            await self._echo(client, self._timeout_s)

        try:
            await _apart(connect(), self._timeout_s)
        except BaseException as error:
            await self._discard(client)
            if isinstance(error, Exception):  # what is not NATS makes nats-py fail in any way
                reason = why[0] if why else error
                raise BusDown(f"cannot connect to the bus at {self._where}: {reason!r}") from reason
            raise
        return client

    async def _discard(self, client: Client) -> None:
        try:
            await _apart(client.close(), _CLOSE_S)
        except Exception as error:  # it is given up, whatever state it is in
            _log.debug("bus connection did not close cleanly", error=repr(error))
        finally:
            # What is still unsent must not be sent when the server goes on; nats-py has no word for that.
            with suppress(AttributeError):  # its parts are gone then already
                client._transport._io_writer.transport.abort()  # type: ignore[union-attr]  # see above

    async def _keep(self) -> None:
        """Watch the connection; replace it when it is lost, for as long as it takes."""
        while True:
            try:
                async with asyncio.timeout(_WATCH_S):
                    await self._lost.wait()
            except TimeoutError:
                pass  # nats-py does not always say that it is lost
            self._lost.clear()
            if self.connected:
                continue
            lost, self._client = self._client, None
            self._fail_requests()
            if lost is not None:
                _log.warning("bus connection lost", server=self._where, why=lost.why_lost)
                self._metrics.lost.labels(lost.why_lost).inc()
                await self._discard(lost)
            self._client = await self._open_at_last()
            if lost is not None:
                self._metrics.reconnects.inc()
            _log.info("bus connected", server=self._where)
            for listener in self._listeners:
                _guarded(listener)

    async def _open_at_last(self) -> _Client:
        wait_s = _RETRY_S
        told: type | None = None  # servers take turns: their texts may differ each time
        while True:
            try:
                return await self._open()
            except BusDown as error:
                kind = type(error.__cause__)
                say = _log.debug if kind is told else _log.warning
                say("bus is away", error=str(error))
                told = kind
            await asyncio.sleep(wait_s * random.uniform(0.5, 1.5))  # noqa: S311  only spreads load
            wait_s = min(wait_s * 2, _RETRY_MOST_S)


class _Client(Client):
    """Remembers what the server says before it ends a connection; nats-py itself forgets that.

    Where the URL says TLS it also tells nothing, a password least of all, to a server without it.
    """

    why_lost = "other"

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        server = self._current_server
        wants = initial_connection and server is not None and server.uri.scheme == "tls"
        if wants and not info.get("tls_required"):
            raise NatsError("the URL says tls://, and the server has none")
        await super()._process_info(info, initial_connection)

    async def _process_err(self, err_msg: str) -> None:
        for text, why in _REASONS.items():
            if text in err_msg.lower():
                self.why_lost = why
        await super()._process_err(err_msg)


class _NatsSubscription:
    """A subscription of ours, which may live through several connections."""

    def __init__(
        self,
        known: set[_NatsSubscription],
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
        self._attached: NatsSubscription | None = None

    async def attach(self, client: Client) -> None:
        if self in self._known:
            self._attached = await client.subscribe(self._subject, self._queue, future=_Sink(self._take))

    async def unsubscribe(self) -> None:
        self._known.discard(self)
        self._changed()
        attached, self._attached = self._attached, None
        if attached is not None:
            try:
                await attached.unsubscribe()
            except _FAILURES as error:
                # The server forgets it with the connection.
                _log.debug("not unsubscribed", subject=self._subject, error=repr(error))

    async def drain(self, timeout_s: float) -> None:
        attached, self._attached = self._attached, None
        if attached is not None:
            try:
                await _apart(attached.drain(), timeout_s)  # type: ignore[no-untyped-call]  # it has no types
            except _FAILURES as error:
                _log.debug("not drained", subject=self._subject, error=repr(error))
        await self.unsubscribe()

    def _take(self, message: Msg) -> None:
        if self not in self._known:
            return
        if message.headers and self._traced is not None and TRACE_HEADER in message.headers:
            self._traced(message.data, message.reply, message.headers[TRACE_HEADER])
        else:
            self._receive(message.data, message.reply)


class _Sink(asyncio.Future[Msg]):
    """Where a subscription's messages go, one by one, straight from the reader.

    nats-py gives every other kind of subscription a queue and a task; handed a future, it calls
    `set_result` with each message. There is nothing between the socket and the receiver then, so a slow
    process is held back by TCP, and in the end disconnected by the server.
    """

    def __init__(self, take: Callable[[Msg], None]) -> None:
        super().__init__()
        self._take = take

    def set_result(self, message: Msg) -> None:
        _guarded(self._take, message)


async def _apart(work: Coroutine[Any, Any, None], timeout_s: float) -> None:
    """Do `work` in a task of its own. Raises what it raises, and TimeoutError: also when it was cancelled
    from within.

    Safe to cancel: `work` has ended then, or was told to again and again.
    """
    task = asyncio.create_task(work)
    task.add_done_callback(_taken)
    try:
        await asyncio.wait([task], timeout=timeout_s)
        in_time = task.done()
    finally:
        for _ in range(_TELLINGS):  # once is not enough: before Python 3.12 a wait_for may swallow it
            if task.done():
                break
            task.cancel()
            await asyncio.wait([task], timeout=_RETRY_S)
        else:
            _log.error("something in the bus client does not end", work=repr(work))
    if not in_time:
        raise TimeoutError(f"it did not end within {timeout_s} s")
    if task.cancelled():
        raise TimeoutError("it was cancelled from within")
    task.result()


def _taken(task: asyncio.Task[None]) -> None:
    """Nobody may be left to take what it raised."""
    if not task.cancelled():
        task.exception()


def _guarded(call: Callable[..., None], *words: Any) -> None:
    """What a receiver raises must not stop the reader."""
    try:
        call(*words)
    except Exception:
        _log.exception("a receiver of the bus failed", receiver=getattr(call, "__qualname__", repr(call)))


def _expire(answer: asyncio.Future[bytes], subject: str) -> None:
    if not answer.done():
        answer.set_exception(BusTimeout(f"no reply from {subject or 'the bus'} in time"))
