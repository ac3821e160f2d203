"""The bus: a port. What is published here is a hint; a request has a deadline."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

TRACE_HEADER: Final = "traceparent"


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
