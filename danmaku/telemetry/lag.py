"""How late the event loop is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self


class LoopLag:
    """Measures, while its block lasts, how late the loop wakes up what is due, and counts its tasks."""

    def __init__(
        self,
        observe: Callable[[float], None],
        counted: Callable[[int], None],
        period_s: float = 0.5,
        slow: Callable[..., None] | None = None,
    ) -> None:
        """slow: told `"loop"`, each lateness in seconds, and how many tasks there are."""
        self._observe = observe
        self._counted = counted
        self._period_s = period_s
        self._slow = slow
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def start(self) -> None:
        self._task = asyncio.create_task(self._measure(), name="loop lag")

    async def stop(self) -> None:
        """Safe to call twice."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _measure(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + self._period_s
            await asyncio.sleep(self._period_s)
            late, tasks = max(0.0, loop.time() - due), len(asyncio.all_tasks())
            self._observe(late)
            self._counted(tasks)
            if self._slow is not None:
                self._slow("loop", late, tasks=tasks)
