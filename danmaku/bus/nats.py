"""The bus over NATS core.

Hard because a client library that reconnects by itself also keeps what was published meanwhile and
sends it late. So a lost connection is thrown away whole, with all it still buffered, and a new one
takes over the subscriptions. Requests that wait when it is lost fail at once.

A process that does not read in time is thrown out by the server as a slow consumer. That is a lost
connection like any other: what was sent meanwhile is missing, and whoever follows something looks for it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import suppress
from secrets import token_hex
from typing import Any, Final

import structlog
from prometheus_client import CollectorRegistry

from config.engines import urls
from config.settings import Nats
from danmaku.bus import TRACE_HEADER, BusDown, BusTimeout, NoResponder, Receive, ReceiveTraced, Subscription
from danmaku.bus.apart import apart
from danmaku.bus.subscription import FAILURES, NatsSubscription, Sink, guarded
from danmaku.login import LoginError, nats_options
from danmaku.nats_library import Client, Msg
from danmaku.nats_library import Error as NatsError
from danmaku.slow import Slow
from danmaku.telemetry import BusMetrics, SlowMetrics

_PENDING_BYTES: Final = 8 * 1024 * 1024  # more than this unsent means that the server does not keep up
_PING_S: Final = 2.0  # a connection that is dead without saying so is noticed after three of them
_WATCH_S: Final = 0.25
_CLOSE_S: Final = 1.0
_RETRY_S: Final = 0.1
_RETRY_MOST_S: Final = 2.0
_NO_RESPONDERS: Final = "503"
_REASONS: Final = {"slow consumer": "slow_consumer", "stale connection": "stale"}

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
        self._subscriptions: set[NatsSubscription] = set()
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
        subscription = NatsSubscription(self._subscriptions, self._count, subject, queue, receive, traced)
        self._subscriptions.add(subscription)
        self._count()
        try:
            await subscription.attach(client)
        except BaseException as error:
            self._subscriptions.discard(subscription)
            self._count()
            if isinstance(error, FAILURES):
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
        except FAILURES as error:
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
            await client.subscribe(self._inbox + "*", future=Sink(self._replied))
            for subscription in list(self._subscriptions):
                await subscription.attach(client)
            await self._echo(client, self._timeout_s)

        try:
            await apart(connect(), self._timeout_s)
        except BaseException as error:
            await self._discard(client)
            if isinstance(error, Exception):  # what is not NATS makes nats-py fail in any way
                reason = why[0] if why else error
                raise BusDown(f"cannot connect to the bus at {self._where}: {reason!r}") from reason
            raise
        return client

    async def _discard(self, client: Client) -> None:
        try:
            await apart(client.close(), _CLOSE_S)
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
                guarded(listener)

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


def _expire(answer: asyncio.Future[bytes], subject: str) -> None:
    if not answer.done():
        answer.set_exception(BusTimeout(f"no reply from {subject or 'the bus'} in time"))
