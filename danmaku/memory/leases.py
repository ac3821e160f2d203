"""Leases in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from danmaku.store.errors import LayoutMismatch
from danmaku.store.leases import Renewed, Taken

Clock = Callable[[], int]
"""The store's time in milliseconds."""


@dataclass(slots=True)
class _Lease:
    process: str
    epoch: int
    until: int


class MemoryLeases:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._layout: tuple[int, int] | None = None
        self._processes: dict[str, int] = {}
        self._leases: dict[int, _Lease] = {}
        self._epochs: dict[int, int] = defaultdict(int)

    def holds(self, process: str, epoch: int, partition: int) -> bool:
        """Whether the lease of `partition` is held so right now."""
        lease = self._held(partition)
        return lease is not None and (lease.process, lease.epoch) == (process, epoch)

    async def check_layout(self, partitions: int, buckets: int) -> None:
        self._layout = self._layout or (partitions, buckets)
        if self._layout != (partitions, buckets):
            partitions, buckets = self._layout
            raise LayoutMismatch(f"the store is laid out for {partitions} partitions, {buckets} buckets")

    async def enlist(self, process: str, ttl_ms: int) -> list[str]:
        now = self._clock()
        self._processes = {name: until for name, until in self._processes.items() if until > now}
        self._processes[process] = now + ttl_ms
        return sorted(self._processes)

    async def resign(self, process: str) -> None:
        self._processes.pop(process, None)

    async def take(self, partitions: list[int], process: str, ttl_ms: int) -> list[Taken]:
        taken = []
        now = self._clock()
        for partition in partitions:
            if self._held(partition) is None:
                epoch = self._epochs[partition] = max(self._epochs[partition] + 1, now)
                self._leases[partition] = _Lease(process, epoch, now + ttl_ms)
                taken.append(Taken(partition, epoch))
        return taken

    async def renew(self, held: dict[int, int], process: str, ttl_ms: int) -> Renewed:
        still = {partition for partition, epoch in held.items() if self.holds(process, epoch, partition)}
        for partition in still:
            self._leases[partition].until = self._clock() + ttl_ms
        return Renewed(still, held.keys() - still)

    async def release(self, held: dict[int, int], process: str) -> set[int]:
        for partition, epoch in held.items():
            if self.holds(process, epoch, partition):
                del self._leases[partition]
        return set(held)

    async def holders(self) -> dict[int, tuple[str, int]]:
        return {
            partition: (lease.process, lease.epoch)
            for partition, lease in sorted(self._leases.items())
            if self._held(partition)
        }

    def _held(self, partition: int) -> _Lease | None:
        lease = self._leases.get(partition)
        return lease if lease is not None and self._clock() < lease.until else None
