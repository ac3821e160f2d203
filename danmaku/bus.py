"""The bus: a port, and NATS behind it. What is published here is a hint; a request has a deadline."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class BusDown(Exception):
    """There is no connection now, or the server did not take the message."""


class NoResponder(BusDown):
    """Nobody listens at that subject."""


class BusTimeout(BusDown):
    """No reply came in time; whether the request was carried out is unknown."""


Receive = Callable[[bytes, str], None]
"""Called with (payload, reply subject or ""). Synchronous and quick; it spawns what takes time."""


class Subscription(Protocol):
    async def unsubscribe(self) -> None:
        """Stop receiving. Safe to call twice, and while the bus is down."""


class Bus(Protocol):
    """At-most-once messages between processes. Nothing is buffered while disconnected."""

    @property
    def connected(self) -> bool: ...

    async def publish(self, subject: str, payload: bytes) -> None:
        """Send and forget. Raises BusDown when not connected."""

    async def request(self, subject: str, payload: bytes, timeout_s: float) -> bytes:
        """One request, one reply. Raises NoResponder at once, BusTimeout after `timeout_s`, BusDown."""

    async def subscribe(self, subject: str, receive: Receive, queue: str = "") -> Subscription:
        """Receive what is published from now on; with `queue`, each message goes to one of its members.

        Survives reconnects. Raises BusDown when not connected.
        """

    async def flush(self, timeout_s: float) -> None:
        """Return when the server has everything said so far, subscriptions included. Raises BusDown."""

    async def close(self) -> None: ...
