"""Questions to history for single viewers, who miss more than the ring of their room holds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final, Protocol

from danmaku.calls import HISTORY
from danmaku.envelope import MAX_MESSAGE_BYTES, HistoryReply
from danmaku.errors import Refusal
from danmaku.model import Position
from danmaku.telemetry import EdgeMetrics
from edge.ring import Page

logger = logging.getLogger(__name__)

_TOLD_PER_TURN: Final = 200

Pulled = Callable[[Page | None], None]
_Key = tuple[str, Position, int]


class History(Protocol):
    """What of edge.rooms_client.RoomsClient is needed here and in edge.feeds."""

    async def history(
        self,
        room: str,
        since: Position | None,
        limit: int,
        timeout_s: float | None = None,
        max_bytes: int = MAX_MESSAGE_BYTES,
    ) -> HistoryReply: ...


class Pulls:
    """`page_bytes` bounds the answer to one."""

    def __init__(self, history: History, page_bytes: int, metrics: EdgeMetrics) -> None:
        self._history = history
        self._page_bytes = page_bytes
        self._metrics = metrics
        self._waiting: dict[_Key, list[Pulled]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def pull(self, room: str, since: Position, limit: int, pulled: Pulled) -> None:
        """Equal questions at one time are one question. `pulled` with None: it cannot be told now."""
        key = room, since, limit
        waiting = self._waiting.get(key)
        if waiting is not None:
            waiting.append(pulled)
        elif len(self._waiting) >= HISTORY.at_once:
            pulled(None)
        else:
            self._waiting[key] = [pulled]
            task = asyncio.get_running_loop().create_task(self._pull(key))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End what is under way; nobody is told."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _pull(self, key: _Key) -> None:
        page: Page | None = None
        try:
            page = await self._ask(*key)
        finally:
            waiting = self._waiting.pop(key)
        for number, pulled in enumerate(waiting, 1):
            try:
                pulled(page)
            except Exception:  # the others must still be told
                logger.exception("somebody who waited for history could not be told")
            if number % _TOLD_PER_TURN == 0:
                await asyncio.sleep(0)

    async def _ask(self, room: str, since: Position, limit: int) -> Page | None:
        self._metrics.history_requests.labels("viewer").inc()
        try:
            reply = await self._history.history(room, since, limit, max_bytes=self._page_bytes)
            head = Position(reply.epoch, reply.seq)
            return Page(since, reply.frames, head, reply.complete, self._page_bytes)
        except Refusal:
            logger.debug("history of room %s does not answer", room)
        except ValueError:
            logger.warning("the history of room %s cannot be read", room)
        except Exception:  # whoever waits must be told
            logger.exception("the history of room %s could not be asked for", room)
        return None
