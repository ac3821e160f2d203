"""Held comments in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from danmaku.held import Held
from danmaku.memory.audit import MemoryAudit
from danmaku.memory.leases import MemoryLeases
from danmaku.model import Act
from danmaku.subjects import partition_of


class MemoryHeld:
    def __init__(self, leases: MemoryLeases, audit: MemoryAudit) -> None:
        self._leases = leases
        self._audit = audit
        self._held: dict[str, dict[str, Held]] = defaultdict(dict)

    async def load(self, room: str) -> list[Held]:
        return sorted(self._held[room].values(), key=lambda one: one.place)

    async def change(
        self,
        process: str,
        lease: int,
        room: str,
        kept: Sequence[Held],
        gone: Sequence[str] = (),
        acts: Sequence[Act] = (),
    ) -> bool:
        holds = self._leases.holds(process, lease, partition_of(room))
        if holds:
            self._audit.add(room, acts)
            for one in kept:
                self.keep(room, one)
            for held in gone:
                self._held[room].pop(held, None)
        return holds

    def keep(self, room: str, one: Held) -> None:
        """Whoever holds the lease; the caller asked for it."""
        self._held[room][one.id] = one

    def forget(self, room: str) -> None:
        self._held.pop(room, None)
