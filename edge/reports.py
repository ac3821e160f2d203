"""Tells owners how many viewers each room has here, and everybody how full this worker is."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Final

from danmaku import envelope
from danmaku.bus import Bus, BusDown
from danmaku.envelope import MAX_MESSAGE_BYTES, Counts, EdgeReport
from danmaku.subjects import PARTITIONS, Subjects, partition_of
from danmaku.telemetry import EdgeMetrics
from edge.owners import OwnerMap
from edge.roster import Roster
from edge.uws import Connection

_EVERY_S: Final = 2.0
_SOON_S: Final = 0.1  # rooms that fill or empty within this time are told together


class Reports:
    def __init__(
        self,
        bus: Bus,
        subjects: Subjects,
        edge: str,
        addresses: list[str],
        owners: OwnerMap,
        roster: Roster[Connection],
        connections: Callable[[], int],
        metrics: EdgeMetrics,
    ) -> None:
        self._bus = bus
        self._subjects = subjects
        self._edge = edge
        self._addresses = addresses
        self._owners = owners
        self._roster = roster
        self._connections = connections
        self._metrics = metrics
        self._incarnation = time.time_ns() // 1_000_000
        self._changed = asyncio.Event()
        self._shards = 1  # a power of two, PARTITIONS at most
        self.draining = False

    def soon(self) -> None:
        """A room got its first viewer here, or lost its last: its owner should know at once."""
        self._changed.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._changed.clear()
            await self.tell()
            await asyncio.sleep(_SOON_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_EVERY_S - _SOON_S):
                    await self._changed.wait()

    async def tell(self) -> None:
        """One round. What the bus does not take is told in the next."""
        self._metrics.rooms.set(self._roster.rooms)
        report = EdgeReport(self._edge, self._addresses, self._connections(), self.draining)
        with contextlib.suppress(BusDown):
            await self._bus.publish(self._subjects.edge_report, envelope.encode(report))
            for process, rooms in self._by_owner().items():
                for counts in self._encoded(rooms):
                    await self._bus.publish(self._subjects.counts(process), counts)

    def _encoded(self, rooms: dict[str, int]) -> list[bytes]:
        """As one message, or as several that each speak for a shard of this edge if one would be too large.

        A room stays in its shard, and the number of shards never falls, so that each message replaces
        the one before it.
        """
        while True:
            messages = [
                envelope.encode(Counts(f"{self._edge}-{shard}", self._incarnation, counts))
                for shard, counts in enumerate(_shards(rooms, self._shards))
            ]
            if self._shards == PARTITIONS or max(map(len, messages)) <= MAX_MESSAGE_BYTES:
                return messages
            self._shards *= 2

    def _by_owner(self) -> dict[str, dict[str, int]]:
        """Every owner is told, also that it has no viewers here."""
        rooms: dict[str, dict[str, int]] = {process: {} for process in self._owners.processes}
        for room, viewers in self._roster.counts().items():
            owner = self._owners.owner(room)
            if owner is not None:
                rooms[owner][room] = viewers
        return rooms


def _shards(rooms: dict[str, int], count: int) -> list[dict[str, int]]:
    shards: list[dict[str, int]] = [{} for _ in range(count)]
    for room, viewers in rooms.items():
        shards[partition_of(room) % count][room] = viewers
    return shards
