"""Follows the list of words for all rooms: read anew when the changes log tells of another version."""

from __future__ import annotations

from typing import Any, Final

import structlog

from danmaku.calls import WORDS
from danmaku.keeping_up import KeepingUp
from danmaku.store.errors import StoreDown
from danmaku.store.words import Words
from danmaku.telemetry import RoomsMetrics
from rooms.everywhere import Everywhere
from rooms.making import make_of
from rooms.words import NO_WORDS, List

_ATTEMPTS: Final = 5

_log: Any = structlog.get_logger("rooms.rewording")


class Rewording:
    """Keeps `everywhere.words` as the store has it. Each read ends within the store's time-out."""

    def __init__(self, store: Words, everywhere: Everywhere, metrics: RoomsMetrics) -> None:
        self._store = store
        self._everywhere = everywhere
        self._metrics = metrics
        self._version = ""
        self._offered: tuple[str, List] = "", NO_WORDS
        self.keeping_up: Final = KeepingUp("the list of words", self._go_by, StoreDown, WORDS.first_s)

    def offer(self, version: str, words: List) -> None:
        """What was made here already, if it comes to be the list."""
        self._offered = version, words

    async def _go_by(self) -> None:
        version, packed = await self._read()
        if packed is not None:
            offered, words = self._offered
            self._everywhere.words = words if version == offered else await make_of(packed)
            self._version = version
            self._offered = "", NO_WORDS
            _log.info("words for all rooms", entries=self._everywhere.words.size, version=version)

    async def _read(self) -> tuple[str, bytes | None]:
        """The version, and the list where it is another one than before."""
        for _ in range(_ATTEMPTS):
            with self._metrics.store_seconds.labels("words").time():
                first = await self._store.piece(0)
                if first.version == self._version:
                    return first.version, None
                further = [await self._store.piece(number) for number in range(1, first.pieces)]
            if all(one.version == first.version for one in further):
                return first.version, b"".join(one.piece for one in (first, *further))
        raise StoreDown("the list of words is replaced all the time")
