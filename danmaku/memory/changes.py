"""The changes log and what holds in all rooms, in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from config.settings import Rooms
from danmaku import change
from danmaku.change import Change, Configured, Imposed, Lifted
from danmaku.memory.audit import MemoryAudit
from danmaku.memory.leases import Clock
from danmaku.model import Act, RoomSettings
from danmaku.store.audit import EVERYWHERE
from danmaku.store.changes import BEGINNING, MOST_SANCTIONS, InForce, News, Noted
from danmaku.store.moderation import Sanction, SanctionKind


class MemoryChanges:
    def __init__(self, clock: Clock, limits: Rooms, audit: MemoryAudit) -> None:
        self._clock = clock
        self._audit = audit
        self._most = limits.changes_kept
        self._age_ms = limits.changes_s * 1000
        self._sanctions: dict[tuple[SanctionKind, str], Sanction] = {}
        self._settings = RoomSettings()
        self._log: deque[tuple[tuple[int, int], str, bytes]] = deque()  # (id, the one before, entry)

    async def append(self, change: Change, acts: Sequence[Act] = ()) -> None:
        self.note(change)
        self._audit.add(EVERYWHERE, acts)

    async def impose(self, change: Imposed, acts: Sequence[Act] = ()) -> bool:
        key = change.kind, change.uid
        if key not in self._sanctions and len(self._sanctions) >= MOST_SANCTIONS:
            return False
        self._sanctions[key] = change.sanction
        self.note(change)
        self._audit.add(EVERYWHERE, acts)
        return True

    async def lift(self, change: Lifted, now_ms: int, acts: Sequence[Act] = ()) -> bool:
        kept = self._sanctions.pop((change.kind, change.uid), None)
        if kept is None:
            return False
        self.note(change)
        if not kept.active(now_ms):
            return False
        self._audit.add(EVERYWHERE, acts)
        return True

    async def configure(self, change: Configured, acts: Sequence[Act] = ()) -> None:
        self._settings = change.settings
        self.note(change)
        self._audit.add(EVERYWHERE, acts)

    async def after(self, place: str | None, entries: int, max_bytes: int) -> News:
        end = self._end()
        if place is None:
            return News((), end, complete=True, more=False)
        found: list[tuple[tuple[int, int], str, bytes]] = []
        begin = tuple(int(part) for part in place.split("-"))
        for one in self._log:
            if one[0] > begin:
                max_bytes -= len(one[2])
                if len(found) == entries or (found and max_bytes < 0):
                    break
                found.append(one)
        if not found:
            return News((), end, complete=place == end, more=False)
        last = _place(found[-1][0])
        noted = tuple(Noted(at_ms, entry) for (at_ms, _), _, entry in found)
        return News(noted, last, complete=found[0][1] == place, more=last != end)

    async def in_force(self, now_ms: int) -> InForce:
        self._sanctions = {key: kept for key, kept in self._sanctions.items() if kept.active(now_ms)}
        return InForce(self._end(), list(self._sanctions.values()), self._settings)

    def _end(self) -> str:
        return _place(self._log[-1][0]) if self._log else BEGINNING

    def note(self, what: Change) -> None:
        """What it tells of is kept elsewhere."""
        previous, now = self._end(), self._clock()
        last_ms, last_n = self._log[-1][0] if self._log else (0, 0)
        number = (now, 0) if now > last_ms else (last_ms, last_n + 1)
        self._log.append((number, previous, change.encode(what)))
        while len(self._log) > self._most or self._log[0][0][0] < number[0] - self._age_ms:
            self._log.popleft()


def _place(number: tuple[int, int]) -> str:
    return f"{number[0]}-{number[1]}"
