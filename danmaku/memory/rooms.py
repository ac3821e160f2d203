"""Rooms and what they keep in view, in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from danmaku.board import EMPTY, Board
from danmaku.memory.audit import MemoryAudit
from danmaku.memory.held import MemoryHeld
from danmaku.memory.leases import MemoryLeases
from danmaku.memory.log import Logs
from danmaku.memory.recalls import MemoryRecalls
from danmaku.model import Act, Effect, RoomInfo, closed_for_good
from danmaku.subjects import partition_of


class MemoryRooms:
    def __init__(
        self,
        leases: MemoryLeases,
        logs: Logs,
        recalls: MemoryRecalls,
        held: MemoryHeld,
        audit: MemoryAudit,
    ) -> None:
        self._leases = leases
        self._audit = audit
        self._logs = logs
        self._recalls = recalls
        self._held = held
        self._rooms: dict[str, RoomInfo] = {}
        self._likes: dict[str, int] = defaultdict(int)
        self.boards: dict[str, Board] = {}

    async def load(self, room: str) -> RoomInfo | None:
        info = self._rooms.get(room)
        return info and msgspec.structs.replace(info, likes=self._likes[room], viewers=0)

    async def board(self, room: str) -> Board:
        return self.boards.get(room, EMPTY)

    async def create(self, process: str, lease: int, info: RoomInfo) -> bool:
        return self._change(process, lease, Effect("create", info))

    async def save(self, process: str, lease: int, info: RoomInfo, acts: Sequence[Act] = ()) -> bool:
        return self._change(process, lease, Effect("save", info, tuple(acts)))

    async def delete(self, process: str, lease: int, room: str, acts: Sequence[Act] = ()) -> bool:
        return self._change(process, lease, Effect("delete", closed_for_good(room), tuple(acts)))

    def carry_out(self, effect: Effect) -> None:
        """Whoever holds the lease; the caller asked for it."""
        verb, info = effect.verb, effect.info
        if verb == "create" and info.room in self._rooms:
            return
        self._rooms[info.room] = info
        if verb == "delete":
            self._likes.pop(info.room, None)
            self.boards.pop(info.room, None)
            log = self._logs[info.room]
            while len(log) > 1:
                log.popleft()
            self._recalls.forget(info.room)
            self._held.forget(info.room)

    def _change(self, process: str, lease: int, effect: Effect) -> bool:
        held = self._leases.holds(process, lease, partition_of(effect.info.room))
        if held:
            self._audit.add(effect.info.room, effect.acts)
            self.carry_out(effect)
        return held

    async def add_likes(self, process: str, lease: int, likes: dict[str, int]) -> dict[str, int]:
        totals = {}
        for room, more in likes.items():
            if self._leases.holds(process, lease, partition_of(room)):
                self._likes[room] += more
                totals[room] = self._likes[room]
        return totals

    async def in_partition(self, partition: int) -> list[str]:
        there = (info.room for info in self._rooms.values() if info != closed_for_good(info.room))
        return sorted(room for room in there if partition_of(room) == partition)
