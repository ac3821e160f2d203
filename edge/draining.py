"""No newcomers, while the viewers who are here move to other edges in waves.

So an edge worker ends, and so it rests where an admin orders it; from that it may come back.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from math import ceil
from typing import Final, Protocol

from danmaku import envelope, wire
from danmaku.bus import Bus, BusDown
from danmaku.envelope import Drain, EdgeReport
from danmaku.errors import Close
from danmaku.ports import PortInUse
from edge.admission import Admission
from edge.uws import Connection

logger = logging.getLogger(__name__)

_RETRY_S: Final = 0.5
_MOST_ORDERS: Final = 16  # that wait; who gives more is not answered
_WAVES: Final = 100  # in which viewers are closed, at even distances
_GOODBYES_PER_TURN: Final = 200


class Sockets(Protocol):
    """What of edge.uws.Server is needed here."""

    def stop_listening(self) -> None: ...
    def connections(self) -> list[Connection]: ...


class Reports(Protocol):
    """What of edge.reports.Reports is needed here."""

    def soon(self) -> None: ...
    def report(self) -> EdgeReport: ...


class Draining:
    """`orders`: the subject on which they come. `listen` lets newcomers come; it may raise PortInUse.
    `release` sends what is held for a connection.

    goodbye_s: within which all viewers move, unless an order says otherwise.
    """

    def __init__(
        self,
        bus: Bus,
        orders: str,
        sockets: Sockets,
        listen: Callable[[], None],
        reports: Reports,
        admission: Admission,
        release: Callable[[Connection], None],
        goodbye_s: float,
    ) -> None:
        self._bus = bus
        self._subject = orders
        self._sockets = sockets
        self._listen = listen
        self._reports = reports
        self._admission = admission
        self._release = release
        self._goodbye_s = goodbye_s
        self._orders: asyncio.Queue[tuple[Drain, str]] = asyncio.Queue(_MOST_ORDERS)
        self._moving: asyncio.Task[None] | None = None
        self._is_leaving = False

    async def run(self) -> None:
        """Obey admins until cancelled, and tell them what became of it."""
        await self._hear()
        try:
            while True:
                order, reply = await self._orders.get()
                await self._obey(order)
                try:
                    await self._bus.publish(reply, envelope.encode(self._reports.report()))
                except BusDown:
                    logger.warning("an admin was not told that the order was carried out")
        finally:
            await self._stay()

    async def leave(self, force: asyncio.Event) -> None:
        """For good: returns when all viewers were told to go, at once with `force`."""
        self._is_leaving = True
        self._turn_away()
        await self._stay()
        await self._move(self._goodbye_s, force)

    async def _hear(self) -> None:
        """From when the bus is there."""
        while True:
            try:
                await self._bus.subscribe(self._subject, self._receive)
            except BusDown:
                await asyncio.sleep(_RETRY_S)
            else:
                return

    def _receive(self, payload: bytes, reply: str) -> None:
        try:
            self._orders.put_nowait((envelope.decode_drain(payload), reply))
        except (ValueError, asyncio.QueueFull):
            logger.warning("an order was not understood, or there are too many of them")

    async def _obey(self, order: Drain) -> None:
        if order.draining:
            self._turn_away()
        await self._stay()  # an order given again may be faster, or slower
        if self._is_leaving:
            return
        if order.draining:
            seconds = self._goodbye_s if order.seconds is None else order.seconds
            logger.info("draining by order: viewers move within %g s", seconds)
            self._moving = asyncio.create_task(self._move(seconds), name="moving")
        elif self._admission.is_closed:
            self._come_back()

    def _come_back(self) -> None:
        try:
            self._listen()
        except PortInUse as error:
            logger.error("cannot come back from draining: %s", error)  # noqa: TRY400  the text says it all
            return
        logger.info("back from draining, by order")
        self._admission.is_closed = False
        self._reports.soon()

    def _turn_away(self) -> None:
        self._sockets.stop_listening()
        self._admission.is_closed = True
        self._reports.soon()

    async def _move(self, seconds: float, force: asyncio.Event | None = None) -> None:
        """Tell all viewers when to come back, each at another time, and close each then."""
        begin = asyncio.get_running_loop().time()
        connections = self._sockets.connections()
        random.shuffle(connections)
        for number, connection in enumerate(connections):
            self._release(connection)  # it was greeted before it is told to go
            _say_reconnect(connection, round(seconds * 1000 * number / len(connections)))
            if number % _GOODBYES_PER_TURN == 0:
                await asyncio.sleep(0)
        wave = ceil(len(connections) / _WAVES)
        for number, connection in enumerate(connections):
            if number % wave == 0:
                due = begin + seconds * number / len(connections)
                await _wait(force, due - asyncio.get_running_loop().time())
            connection.close(Close.GOING_AWAY, "this node is stopping")

    async def _stay(self) -> None:
        """Move nobody else."""
        if self._moving is not None:
            self._moving.cancel()
            await asyncio.gather(self._moving, return_exceptions=True)


def _say_reconnect(connection: Connection, retry_ms: int) -> None:
    codec: wire.Codec = connection.session.codec
    notice = wire.Notice("reconnect", reason="this node is stopping", retry_ms=retry_ms)
    connection.send(codec.encode(notice), codec.binary)


async def _wait(event: asyncio.Event | None, seconds: float) -> None:
    """`seconds`, but no longer than until `event` is set."""
    if event is None:
        await asyncio.sleep(seconds)
        return
    try:
        async with asyncio.timeout(max(seconds, 0.0)):
            await event.wait()
    except TimeoutError:
        pass
