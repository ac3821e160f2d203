"""Tells owners how many viewers each room has here, and everybody how full this worker is.

Owners answer with the heads of these rooms. Unlike their statistics that is no hint: an edge that lost
the last batch of a room knows within one round.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Final

from msgspec.structs import replace

from danmaku import envelope
from danmaku.bus import Bus, BusDown
from danmaku.calls import COUNTS
from danmaku.envelope import MAX_MESSAGE_BYTES, Counts, EdgeReport
from danmaku.model import Position
from danmaku.subjects import PARTITIONS, Subjects, partition_of
from danmaku.telemetry import EdgeMetrics
from edge.owners import OwnerMap
from edge.roster import Roster
from edge.uws import Connection

_EVERY_S: Final = 2.0
_SOON_S: Final = 0.1  # rooms that fill or empty within this time are told together
_MAX_ROOMS: Final = 6000  # in one message: so many heads fit into one answer


class Reports:
    def __init__(
        self,
        bus: Bus,
        subjects: Subjects,
        about: Callable[[], EdgeReport],
        owners: OwnerMap,
        roster: Roster[Connection],
        connections: Callable[[], int],
        is_draining: Callable[[], bool],
        metrics: EdgeMetrics,
        heard: Callable[[Mapping[str, Position]], None],
        place: str = "",
    ) -> None:
        """about: what this worker tells of itself, but for what changes.

        place: what it has in common with those that ran before in its stead, see `danmaku.supervisor`. Their
        viewers are counted no longer once it tells of its own.
        """
        self._bus = bus
        self._subjects = subjects
        self._about = about
        self._counted_as = place or about().edge
        self._owners = owners
        self._roster = roster
        self._connections = connections
        self._is_draining = is_draining
        self._metrics = metrics
        self._heard = heard
        self._asked: set[asyncio.Task[None]] = set()
        self._incarnation = time.time_ns() // 1_000_000
        self._changed = asyncio.Event()
        self._shards = 1  # a power of two, PARTITIONS at most

    def soon(self) -> None:
        """A room got its first viewer here, or lost its last: its owner should know at once."""
        self._changed.set()

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                self._changed.clear()
                await self.tell()
                await asyncio.sleep(_SOON_S)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_EVERY_S - _SOON_S):
                        await self._changed.wait()
        finally:
            for task in self._asked:
                task.cancel()

    async def tell(self) -> None:
        """One round. What the bus does not take is told in the next."""
        self._metrics.rooms.set(self._roster.rooms)
        report = self.report()
        with contextlib.suppress(BusDown):
            await self._bus.publish(self._subjects.edge_report, envelope.encode(report))
        for process, rooms in self._by_owner().items():
            for counts in self._encoded(rooms):
                if len(self._asked) < COUNTS.at_once:
                    task = asyncio.create_task(self._report(self._subjects.counts(process), counts))
                    self._asked.add(task)
                    task.add_done_callback(self._asked.discard)

    def report(self) -> EdgeReport:
        """What this worker tells of itself just now."""
        return replace(self._about(), connections=self._connections(), draining=self._is_draining())

    async def _report(self, subject: str, counts: bytes) -> None:
        """An answer that does not come, or cannot be read, comes in the next round."""
        with contextlib.suppress(BusDown, ValueError):
            reply = await self._bus.request(subject, counts, COUNTS.most_s)
            self._heard(envelope.decode_heads(reply).rooms)

    def _encoded(self, rooms: dict[str, int]) -> list[bytes]:
        """As one message, or as several that each speak for a shard of this edge if one would be too large.

        A room stays in its shard, and the number of shards never falls, so that each message replaces
        the one before it.
        """
        while True:
            shards = _shards(rooms, self._shards)
            messages = [
                envelope.encode(Counts(f"{self._counted_as}-{number}", self._incarnation, counts))
                for number, counts in enumerate(shards)
            ]
            fits = max(map(len, messages)) <= MAX_MESSAGE_BYTES and max(map(len, shards)) <= _MAX_ROOMS
            if self._shards == PARTITIONS or fits:
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
