"""Follows the changes log, so that this process knows what was decided for all rooms."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Final

import structlog

from danmaku import change
from danmaku.change import Adjusted, Reworded
from danmaku.store.changes import Changes, Noted
from danmaku.store.errors import StoreDown
from danmaku.telemetry import RoomsMetrics
from rooms.everywhere import Everywhere
from rooms.moment import Moment

_EVERY_S: Final = 0.4  # half a second is promised
_FORGET_S: Final = 60.0
_ENTRIES: Final = 500  # in one answer of the store
_BYTES: Final = 512 * 1024
_PAGES: Final = 100  # before something else has its turn

_log: Any = structlog.get_logger("rooms.following")


class Following:
    """Keeps `everywhere` as the store has it. Each read ends within the store's time-out.

    `configured` is called when the settings in it are others, `reworded` when the list of words may be,
    `adjusted` when what settings are adjusted to may be.
    """

    def __init__(
        self,
        store: Changes,
        everywhere: Everywhere,
        metrics: RoomsMetrics,
        clock: Callable[[], Moment],
        configured: Callable[[], None],
        reworded: Callable[[], None],
        adjusted: Callable[[], None],
    ) -> None:
        self._store = store
        self._everywhere = everywhere
        self._metrics = metrics
        self._clock = clock
        self._configured = configured
        self._reworded = reworded
        self._adjusted = adjusted
        self._place: str | None = None  # in the log; None before what holds was read
        self._reading = asyncio.Lock()
        self._hinted = asyncio.Event()
        self._forget_s = clock().s + _FORGET_S

    def hint(self, _payload: bytes, _reply: str) -> None:
        """There is something new in the log."""
        self._metrics.change_hints.inc()
        self._hinted.set()

    async def run(self) -> None:
        """Look now and then, and at once when there is a hint, until cancelled."""
        told = False
        while True:
            self._hinted.clear()
            try:
                await self.catch_up()
                told = False
            except StoreDown as error:
                say = _log.debug if told else _log.warning
                say("the changes log cannot be read", error=str(error))
                told = True
            self._forget()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_EVERY_S):
                    await self._hinted.wait()

    async def catch_up(self) -> None:
        """Know what is in the log now. Raises StoreDown; what was read by then is kept."""
        async with self._reading:
            before = self._everywhere.settings
            try:
                await self._read_all()
            finally:
                if self._everywhere.settings != before:
                    self._configured()

    async def _read_all(self) -> None:
        for _ in range(_PAGES):
            if self._place is None:
                await self._begin_anew()
            elif not await self._read(self._place):
                return

    async def _read(self, place: str) -> bool:
        """One page; whether there is more to read."""
        with self._metrics.store_seconds.labels("changes").time():
            news = await self._store.after(place, _ENTRIES, _BYTES)
        if not news.complete:
            _log.warning("a part of the changes log is not kept any more: all that holds is read anew")
            self._place = None
            return True
        for noted in news.entries:
            self._take(noted)
        self._place = news.last
        return news.more

    async def _begin_anew(self) -> None:
        with self._metrics.store_seconds.labels("sanctions").time():
            found = await self._store.in_force(self._clock().ms)
        self._everywhere.replace(found.sanctions, found.settings)
        self._place = found.last
        self._reworded()
        self._adjusted()

    def _take(self, noted: Noted) -> None:
        self._metrics.changes.inc()
        self._metrics.change_lag_seconds.observe(max(0, self._clock().ms - noted.at_ms) / 1000)
        what = change.decode(noted.entry)
        if isinstance(what, Reworded):
            self._reworded()
        elif isinstance(what, Adjusted):
            self._adjusted()
        elif what is not None:
            self._everywhere.take(what)

    def _forget(self) -> None:
        now = self._clock()
        if now.s >= self._forget_s:
            self._everywhere.forget(now.ms)
            self._forget_s = now.s + _FORGET_S
