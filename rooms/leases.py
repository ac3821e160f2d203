"""The partitions this process owns.

Whether a lease still holds is told by this machine's boot clock, which goes on while it sleeps, from
before the store was asked: so it ends here before it ends there, and nobody else owns the partition
while this process thinks it does.
"""

from __future__ import annotations

import asyncio
import time
from binascii import crc32
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import structlog

from danmaku.envelope import Owners
from danmaku.store.errors import StoreDown
from danmaku.store.leases import Leases as LeaseStore
from danmaku.subjects import PARTITIONS
from danmaku.telemetry import RoomsMetrics
from rooms.recent import KEPT_S
from rooms.share import Sharers, fair_share, surplus, wanted

T = TypeVar("T")

# Within the time a lease lasts: a store may stand still for two seconds and cost nobody a lease of three.
_RENEWALS: Final = 4
_PATIENCE: Final = 1 / 3  # of the time a lease lasts is given to one question
_ANNOUNCE_S: Final = 2.0
_ANNOUNCE_LEAST_S: Final = 0.02  # many edges may ask at one time

_log: Any = structlog.get_logger("rooms.leases")


def boot_clock() -> float:
    """Seconds since this machine was started, sleep included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(slots=True)
class _Held:
    epoch: int
    taken_s: float
    until_s: float


class Leases:
    """`announce` is told what is owned now; `lost` which partitions no longer are, whatever waited there.

    `retire` is awaited before partitions are handed back: it finishes what waits for them. `connected`
    tells whether the bus is there: without it nobody can ask for what is owned here.
    """

    def __init__(
        self,
        store: LeaseStore,
        process: str,
        lease_ms: int,
        metrics: RoomsMetrics,
        *,
        announce: Callable[[Owners], None],
        lost: Callable[[Iterable[int]], None],
        retire: Callable[[Iterable[int]], Awaitable[None]],
        connected: Callable[[], bool],
        clock: Callable[[], float] = boot_clock,
    ) -> None:
        self._store = store
        self._process = process
        self._lease_ms = lease_ms
        self._metrics = metrics
        self._announce = announce
        self._lost = lost
        self._retire = retire
        self._connected = connected
        self._clock = clock
        self._connected_s = clock()
        self._held: dict[int, _Held] = {}
        self._given_up: dict[int, int] = {}
        self._before: dict[int, float] = {}  # partitions that were lost, and when
        self._sharers = Sharers(lease_ms / 1000)
        self._leaving = False
        self._round = asyncio.Lock()
        self._asked = asyncio.Event()

    def epoch(self, partition: int) -> int | None:
        """The epoch with which the partition is owned right now; None when it is not."""
        held = self._held.get(partition)
        return held.epoch if held is not None and self._clock() < held.until_s else None

    def epochs(self, partitions: Iterable[int]) -> dict[int, int]:
        """{partition: epoch} of those among them that are owned right now: one look at the clock for all."""
        now, held = self._clock(), self._held
        return {
            partition: lease.epoch
            for partition in partitions
            if (lease := held.get(partition)) is not None and now < lease.until_s
        }

    def owned_s(self, partition: int) -> float:
        """For how long it has been owned; 0.0 when it is not."""
        held = self._held.get(partition)
        return self._clock() - held.taken_s if held is not None else 0.0

    @property
    def partitions(self) -> dict[int, int]:
        """{partition: epoch} of all that are owned now."""
        return self.epochs(self._held)

    def tell(self) -> None:
        """Announce soon what is owned."""
        self._asked.set()

    def give_up(self, partition: int, epoch: int) -> None:
        """Own it no longer, at once: whoever takes it next does so with a new epoch."""
        held = self._held.get(partition)
        if held is not None and held.epoch == epoch:
            self._given_up[partition] = epoch
            self._drop([partition], "lost")

    async def run(self) -> None:
        """Take, renew and give back until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_announcing())
            tasks.create_task(self._keep_renewing())

    async def leave(self) -> None:
        """Hand everything back and be counted no longer; `run` does nothing more. Never raises StoreDown."""
        self._leaving = True
        async with self._round:
            await self._retire(list(self._held))
            held = {partition: lease.epoch for partition, lease in self._held.items()}
            try:
                await self._store.release(held | self._given_up, self._process)
                await self._store.resign(self._process)
            except StoreDown as error:
                _log.warning("leases are not handed back, they run out by themselves", error=str(error))
            self._drop(held, "released")
        self._announce(Owners(self._process, {}, leaving=True))

    async def _keep_announcing(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_ANNOUNCE_S):
                    await self._asked.wait()
            except TimeoutError:
                pass  # and again, for whoever missed it
            self._asked.clear()
            self._announce(Owners(self._process, self.partitions, self._leaving))
            await asyncio.sleep(_ANNOUNCE_LEAST_S)

    async def _keep_renewing(self) -> None:
        period_s = self._lease_ms / 1000 / _RENEWALS
        while not self._leaving:
            begin = self._clock()
            try:
                async with self._round:
                    await self.tick()
            except StoreDown as error:
                _log.warning("leases cannot be renewed", error=str(error))
                self._drop_expired()
            await asyncio.sleep(max(0.0, begin + period_s - self._clock()))

    async def tick(self) -> None:
        """One round: renew, be counted, give back what is above the fair share, take what is below it.

        Raises StoreDown; nothing is owned for longer than the store allows by that.
        """
        if self._is_cut_off():
            await self._stand_back()
            return
        await self._renew()
        await self._return_given_up()
        live = await self._soon(self._store.enlist(self._process, self._lease_ms))
        share = fair_share(self._sharers.reckoned(len(live), self._clock()))
        if too_many := surplus(self._held, share):
            await self._hand_back(too_many)
        elif len(self._held) < share:
            await self._take(share)
        self._metrics.leases.set(len(self._held))

    def _is_cut_off(self) -> bool:
        """Whether the bus has been away for as long as a lease lasts."""
        now = self._clock()
        if self._connected():
            self._connected_s = now
        return now - self._connected_s >= self._lease_ms / 1000

    async def _stand_back(self) -> None:
        """Let others have everything, and be counted no longer."""
        if self._held:
            _log.warning("the bus is away: others may have the partitions", owned=len(self._held))
            await self._hand_back(list(self._held))
        await self._soon(self._store.resign(self._process))

    async def _soon(self, call: Awaitable[T]) -> T:
        """What the store says, if it does so while the leases still last for a while. Raises StoreDown."""
        try:
            async with asyncio.timeout(self._lease_ms / 1000 * _PATIENCE):
                return await call
        except TimeoutError as error:
            raise StoreDown("the store takes too long to renew leases") from error

    async def _return_given_up(self) -> None:
        if self._given_up:
            for partition in await self._soon(self._store.release(dict(self._given_up), self._process)):
                self._given_up.pop(partition, None)

    async def _renew(self) -> None:
        self._drop_expired()
        if not self._held:
            return
        asked = {partition: held.epoch for partition, held in self._held.items()}
        until_s = self._clock() + self._lease_ms / 1000
        renewed = await self._soon(self._store.renew(asked, self._process, self._lease_ms))
        self._drop_expired()  # while the answer was on its way: what thought so before must not be wrong
        for partition in renewed.still & self._held.keys():
            self._held[partition].until_s = until_s
        self._drop(renewed.lost, "lost")

    async def _hand_back(self, partitions: list[int]) -> None:
        await self._retire(partitions)
        handed = {
            partition: self._held[partition].epoch for partition in partitions if partition in self._held
        }
        self._given_up |= handed
        self._drop(handed, "released")
        await self._return_given_up()

    async def _take(self, share: int) -> None:
        taken = await self._soon(self._store.holders())
        start = crc32(self._process.encode()) % PARTITIONS
        now = self._clock()
        self._before = {one: when for one, when in self._before.items() if now - when < KEPT_S}
        candidates = wanted(self._held, taken, share, start, self._before)
        if not candidates:
            return
        until_s = now + self._lease_ms / 1000
        for lease in await self._soon(self._store.take(candidates, self._process, self._lease_ms)):
            self._held[lease.partition] = _Held(lease.epoch, now, until_s)
            self._metrics.lease_changes.labels("taken").inc()
        _log.info("partitions taken", owned=len(self._held))
        self.tell()

    def _drop_expired(self) -> None:
        now = self._clock()
        expired = {partition: held.epoch for partition, held in self._held.items() if now >= held.until_s}
        self._given_up |= expired
        self._drop(expired, "lost")

    def _drop(self, partitions: Iterable[int], change: str) -> None:
        dropped = [partition for partition in partitions if self._held.pop(partition, None) is not None]
        if change == "lost":
            self._before |= dict.fromkeys(dropped, self._clock())
        if dropped:
            self._metrics.lease_changes.labels(change).inc(len(dropped))
            self._metrics.leases.set(len(self._held))
            _log.info(f"partitions {change}", partitions=len(dropped), owned=len(self._held))
            self._lost(dropped)
            self.tell()
