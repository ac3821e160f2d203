"""Adjustments in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from danmaku.adjustment import KEPT, Adjustment
from danmaku.change import Adjusted
from danmaku.memory.audit import MemoryAudit
from danmaku.model import Act
from danmaku.store.audit import EVERYWHERE


class MemoryAdjustments:
    """note: into the changes log."""

    def __init__(self, audit: MemoryAudit, note: Callable[[Adjusted], None]) -> None:
        self._audit = audit
        self._note = note
        self._kept: deque[Adjustment] = deque(maxlen=KEPT)

    async def newest(self, limit: int) -> list[Adjustment]:
        return [*reversed(self._kept)][:limit]

    async def of_version(self, version: int) -> Adjustment | None:
        return next((one for one in self._kept if one.version == version), None)

    async def of_act(self, act: str) -> Adjustment | None:
        return next((one for one in self._kept if one.act == act), None)

    async def adjust(self, adjustment: Adjustment, acts: Sequence[Act] = ()) -> bool:
        made = await self.of_act(adjustment.act)
        if made is not None:
            return made.version == adjustment.version
        if adjustment.version != (self._kept[-1].version if self._kept else 0) + 1:
            return False
        self._kept.append(adjustment)
        self._note(Adjusted(adjustment.version, adjustment.by))
        self._audit.add(EVERYWHERE, acts)
        return True
