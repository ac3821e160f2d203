"""Mutes and bans of rooms in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from danmaku.memory.audit import MemoryAudit
from danmaku.memory.leases import MemoryLeases
from danmaku.model import Act
from danmaku.store.moderation import Sanction, SanctionKind
from danmaku.store.taken import Taken
from danmaku.subjects import partition_of


class MemoryModeration:
    def __init__(self, leases: MemoryLeases, audit: MemoryAudit) -> None:
        self._leases = leases
        self._audit = audit
        self._sanctions: dict[str, dict[tuple[SanctionKind, str], Sanction]] = defaultdict(dict)

    async def load(self, room: str, now_ms: int) -> list[Sanction]:
        active = {key: kept for key, kept in self._sanctions[room].items() if kept.active(now_ms)}
        self._sanctions[room] = active
        return [active[key] for key in sorted(active)]

    async def impose(
        self, process: str, lease: int, room: str, sanction: Sanction, acts: Sequence[Act] = ()
    ) -> bool:
        held = self._leases.holds(process, lease, partition_of(room))
        if held:
            self._audit.add(room, acts)
            self._sanctions[room][sanction.kind, sanction.uid] = sanction
        return held

    async def lift(
        self,
        process: str,
        lease: int,
        room: str,
        kind: SanctionKind,
        uid: str,
        now_ms: int,
        acts: Sequence[Act] = (),
    ) -> Taken:
        if not self._leases.holds(process, lease, partition_of(room)):
            return Taken.LOST
        kept = self._sanctions[room].pop((kind, uid), None)
        if kept is None or not kept.active(now_ms):
            return Taken.NOTHING
        self._audit.add(room, acts)
        return Taken.TAKEN
