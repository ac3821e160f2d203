"""What a rooms process listens to, begun and ended as its life wants it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final

import structlog

from danmaku.bus import Bus, BusDown, Receive, ReceiveTraced, Subscription
from danmaku.store.errors import StoreDown

_RETRY_S: Final = 0.2
_NOTHING: Final[Mapping[str, ReceiveTraced]] = {}

_log: Any = structlog.get_logger("rooms.listening")

Wanted = tuple[str, Receive, str]
"""A subject, what takes its messages, and the queue group, empty where there is none."""


class Listening:
    """Subscriptions: first those to what concerns this process alone, then those it shares with others."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._own: list[Subscription] = []
        self._shared: list[Subscription] = []

    async def begin(
        self, wanted: Iterable[Wanted], stop: asyncio.Event, traced: Mapping[str, ReceiveTraced] = _NOTHING
    ) -> None:
        """Waits for the bus for as long as it takes, or until `stop`.

        traced: what takes the messages of a subject that have a trace.
        """
        for subject, receive, queue in wanted:
            await patiently(stop, partial(self._subscribe, subject, receive, queue, traced.get(subject)))

    async def leave_to_others(self, timeout_s: float) -> None:
        """What others of a queue group can answer goes to them from now on."""
        await asyncio.gather(*(one.drain(timeout_s) for one in self._shared))

    async def close(self) -> None:
        for subscriptions in (self._shared, self._own):
            while subscriptions:
                await subscriptions.pop().unsubscribe()

    async def _subscribe(
        self, subject: str, receive: Receive, queue: str, traced: ReceiveTraced | None
    ) -> None:
        subscription = await self._bus.subscribe(subject, receive, queue, traced)
        (self._shared if queue else self._own).append(subscription)


async def patiently(stop: asyncio.Event, step: Callable[[], Awaitable[None]]) -> None:
    """Try until it succeeds, or `stop`."""
    told = False
    while not stop.is_set():
        try:
            await step()
        except (BusDown, StoreDown) as error:
            if not told:
                _log.warning("waiting for bus and store", error=str(error))
            told = True
            await asyncio.sleep(_RETRY_S)
        else:
            return
