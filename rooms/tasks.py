"""Work that was begun for somebody and is owned here until it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

_log: Any = structlog.get_logger("rooms.tasks")


class Tasks:
    """At most `most` at a time. What one raises is logged; it ends nothing else.

    most: a number, or what tells it. ended: called whenever one has left, so that there is room for another.
    """

    def __init__(self, most: int | Callable[[], int], ended: Callable[[], object] | None = None) -> None:
        self._most = most if callable(most) else lambda: most
        self._on_end = ended
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def full(self) -> bool:
        return len(self._tasks) >= self._most()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Ask `full` before."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def finish(self, timeout_s: float) -> None:
        """Wait for what is under way, but not longer than that."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout_s)

    async def close(self) -> None:
        """Cancel what is not done yet and wait for it."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a task failed", exc_info=error)
        if self._on_end is not None:
            self._on_end()
