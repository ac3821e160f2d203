"""Gaps of rooms are closed from history, once for all viewers, and few rooms at a time."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from danmaku.calls import CLOSE_GAP
from danmaku.errors import Refusal
from danmaku.model import Position
from danmaku.telemetry import EdgeMetrics
from edge.feed import Shown
from edge.pulls import History
from edge.stage import Stage

logger = logging.getLogger(__name__)

_PAGE_ITEMS: Final = 1000
_ASK_AGAIN_S: Final = 0.05  # after an answer that brought nothing
_ROOMS_PER_S: Final = 200  # asked about by one edge when all of them may have missed something
_SPREAD_S: Final = 0.5  # so that all edges do not ask at the same moment


class Mending:
    """`show` is called with what history brought for a room. `spawn` owns what it is given."""

    def __init__(
        self,
        history: History,
        show: Callable[[Stage, list[Shown]], None],
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        metrics: EdgeMetrics,
    ) -> None:
        self._history = history
        self._show = show
        self._spawn = spawn
        self._metrics = metrics
        self._turns = asyncio.Semaphore(CLOSE_GAP.at_once)
        self._checking: asyncio.Task[None] | None = None

    @property
    def checking(self) -> bool:
        """Whether `check` has not come to all rooms yet."""
        return self._checking is not None and not self._checking.done()

    def look_after(self, stages: Sequence[Stage]) -> None:
        """Mend those where something is missing; where these are many, not all at one time."""
        behind = [stage for stage in stages if stage.open and stage.feed.behind and stage.task is None]
        if not behind:
            return
        self._metrics.gaps.inc(len(behind))
        spread_s = min(_SPREAD_S, (len(behind) - 1) / _ROOMS_PER_S)
        for stage in behind:
            self._mend_soon(stage, random.uniform(0, spread_s))  # noqa: S311  only spreads load

    def check(self, stages: Sequence[Stage]) -> None:
        """Something may be missing in all of these; those of which no owner tells the head meanwhile are
        asked about one after the other."""
        for stage in stages:
            stage.feed.doubt()
        if self._checking is not None:
            self._checking.cancel()
        self._checking = self._spawn(self._check(stages))

    async def _check(self, stages: Sequence[Stage]) -> None:
        await asyncio.sleep(random.uniform(0, _SPREAD_S))  # noqa: S311  only spreads load
        for stage in stages:
            if stage.open and stage.feed.unsure and stage.task is None:
                stage.feed.behind = True
                self._mend_soon(stage, 0.0)
                await asyncio.sleep(random.uniform(0, 2 / _ROOMS_PER_S))  # noqa: S311  only spreads load

    def _mend_soon(self, stage: Stage, delay_s: float) -> None:
        stage.task = self._spawn(self._mend(stage, delay_s))

    async def _mend(self, stage: Stage, delay_s: float) -> None:
        """Ask history for what is missing; in the end go on with what there is.

        What is still missing after that is noticed with the next head and asked for again.
        """
        feed = stage.feed
        try:
            await asyncio.sleep(delay_s)
            async with asyncio.timeout(CLOSE_GAP.in_all_s):
                await self._close_gap(stage)
        except TimeoutError:
            logger.warning("a gap in room %s is not closed: history does not answer in time", feed.room)
        finally:
            stage.task = None
            if feed.behind:
                self._show(stage, feed.resume())

    async def _close_gap(self, stage: Stage) -> None:
        """Ask again where an answer is late, or brings nothing yet, or only a part."""
        feed = stage.feed
        for _ in range(CLOSE_GAP.attempts):
            before = feed.ring.head
            try:
                async with self._turns:
                    if not feed.behind:
                        return  # what was late came by itself, or too much was held back to wait any longer
                    self._metrics.history_requests.labels("gap").inc()
                    reply = await self._history.history(feed.room, before, _PAGE_ITEMS, CLOSE_GAP.most_s)
                self._show(stage, feed.mend(reply.frames, Position(reply.epoch, reply.seq)))
            except Refusal:
                logger.debug("history of room %s does not answer", feed.room)
            if not feed.behind:
                return
            if feed.ring.head == before:
                await asyncio.sleep(_ASK_AGAIN_S * random.uniform(0.5, 1.5))  # noqa: S311  only spreads load
