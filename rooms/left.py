"""Rooms that this process had in memory until a moment ago, in case it gets them back. Pure.

A store that is away for longer than a lease lasts takes the partitions with it, and it may come back without
what it took last. Whoever had a room knows what its log should hold, and for as long as that can get lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from danmaku.model import RoomInfo
from rooms.recent import KEPT_S, Recent


class Memory(NamedTuple):
    """What was stored of a room last, its state then, and under which lease that was."""

    recent: Recent
    info: RoomInfo
    lease: int


class Left:
    """As many rooms as were dropped within `KEPT_S`."""

    __slots__ = ("_rooms",)

    def __init__(self) -> None:
        self._rooms: dict[str, tuple[float, Memory]] = {}

    def __len__(self) -> int:
        return len(self._rooms)

    def __iter__(self) -> Iterator[tuple[str, Memory]]:
        return iter([(room, memory) for room, (_, memory) in self._rooms.items()])

    def keep(self, memory: Memory, now_s: float) -> None:
        """The room is dropped. Nothing is kept where nothing was stored lately."""
        self.forget(now_s)
        memory.recent.forget(now_s)
        self._rooms.pop(memory.info.room, None)
        if len(memory.recent):
            self._rooms[memory.info.room] = (now_s, memory)

    def get(self, room: str) -> Memory | None:
        found = self._rooms.get(room)
        return None if found is None else found[1]

    def drop(self, room: str) -> None:
        """It is in memory again."""
        self._rooms.pop(room, None)

    def forget(self, now_s: float) -> None:
        """What cannot get lost any more."""
        while self._rooms:
            room, (left_s, _) = next(iter(self._rooms.items()))
            if now_s - left_s <= KEPT_S:
                return
            del self._rooms[room]
