"""Appointed moderators in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from danmaku.memory.audit import MemoryAudit
from danmaku.memory.leases import MemoryLeases
from danmaku.model import Act, Appointed
from danmaku.store.taken import Taken
from danmaku.subjects import partition_of


class MemoryModerators:
    def __init__(self, leases: MemoryLeases, audit: MemoryAudit) -> None:
        self._leases = leases
        self._audit = audit
        self._kept: dict[str, dict[str, Appointed]] = defaultdict(dict)

    async def load(self, room: str) -> list[Appointed]:
        return [self._kept[room][uid] for uid in sorted(self._kept[room])]

    async def appoint(
        self, process: str, lease: int, room: str, one: Appointed, acts: Sequence[Act] = ()
    ) -> bool:
        held = self._leases.holds(process, lease, partition_of(room))
        if held:
            self._audit.add(room, acts)
            self._kept[room][one.uid] = one
        return held

    async def dismiss(self, process: str, lease: int, room: str, uid: str, acts: Sequence[Act] = ()) -> Taken:
        if not self._leases.holds(process, lease, partition_of(room)):
            return Taken.LOST
        if self._kept[room].pop(uid, None) is None:
            return Taken.NOTHING
        self._audit.add(room, acts)
        return Taken.TAKEN
