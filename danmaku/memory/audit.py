"""Audit records in memory."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Sequence

from config.settings import Rooms
from danmaku.memory.leases import MemoryLeases
from danmaku.model import Act
from danmaku.store.audit import REMEMBERED_MS, Recorded
from danmaku.subjects import partition_of

Place = tuple[int, int]


class MemoryAudit:
    def __init__(self, leases: MemoryLeases, clock: Callable[[], int], limits: Rooms) -> None:
        self._leases = leases
        self._clock = clock
        self._most = limits.audit_kept
        self._age_ms = limits.audit_s * 1000
        self._records: dict[str, deque[tuple[Place, Act]]] = defaultdict(deque)
        self._last: dict[str, Place] = {}
        self._known: dict[tuple[str, str], int] = {}  # (room, id): until

    def add(self, room: str, acts: Sequence[Act]) -> None:
        """Whoever holds the lease; the caller asked for it."""
        now = self._clock()
        self._known = {key: until for key, until in self._known.items() if now < until}
        record = self._kept(room)
        for act in acts:
            if (room, act.id) in self._known:
                continue
            self._known[room, act.id] = now + REMEMBERED_MS
            last_ms, last_n = self._last.get(room, (0, 0))
            place = self._last[room] = (now, 0) if now > last_ms else (last_ms, last_n + 1)
            record.append((place, act))
            while len(record) > self._most or record[0][0][0] < place[0] - self._age_ms:
                record.popleft()

    async def write_down(self, process: str, lease: int, act: Act) -> bool:
        held = self._leases.holds(process, lease, partition_of(act.room))
        if held:
            self.add(act.room, [act])
        return held

    async def knows(self, room: str, act: str) -> bool:
        is_known = self._clock() < self._known.get((room, act), 0)
        if is_known:
            self._known[room, act] = self._clock() + REMEMBERED_MS
        return is_known

    async def after(self, room: str, place: str, entries: int) -> list[Recorded]:
        begin = _parsed(place)
        return [_recorded(one) for one in self._kept(room) if one[0] > begin][:entries]

    async def before(self, room: str, place: str | None, entries: int) -> list[Recorded]:
        end = None if place is None else _parsed(place)
        found = [_recorded(one) for one in self._kept(room) if end is None or one[0] < end]
        return found[-entries:]

    async def about(self, room: str, uid: str) -> int:
        return sum(act.uid == uid for _, act in self._kept(room))

    def _kept(self, room: str) -> deque[tuple[Place, Act]]:
        """The record; it goes as a whole where nothing was written down for so long."""
        record = self._records[room]
        if record and record[-1][0][0] + self._age_ms <= self._clock():
            record.clear()
        return record


def _parsed(place: str) -> Place:
    ms, _, n = place.partition("-")
    return int(ms), int(n)


def _recorded(one: tuple[Place, Act]) -> Recorded:
    (ms, n), act = one
    return Recorded(f"{ms}-{n}", act)
