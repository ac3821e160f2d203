"""Rooms processes on one bus and one store, twins or real servers, and somebody who talks to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from secrets import token_hex
from typing import Any, TypedDict, TypeVar, Unpack

from prometheus_client import CollectorRegistry

from config.live import Running as Settling
from config.settings import Chat, Nats, Policy, Review, Rooms, Settings
from config.settings import Store as StoreSettings
from danmaku import envelope
from danmaku.bus import Bus, BusDown
from danmaku.bus.nats import NatsBus
from danmaku.envelope import Answer, HistoryReply, HistoryRequest, OwnerRequest, Row, UserRow, UsersRequest
from danmaku.memory import MemoryBus, MemoryStore
from danmaku.model import Position, Role
from danmaku.rows import Elsewhere, Refused, SendRow
from danmaku.slow import Slow
from danmaku.store import Store
from danmaku.store.valkey import ValkeyStore
from danmaku.subjects import PARTITIONS, Subjects, partition_of
from danmaku.telemetry import RoomsMetrics
from rooms.leases import boot_clock
from rooms.loaded import LoadedRoom
from rooms.process import RoomsProcess
from tests.contract.rooms_watching import Watching
from tests.measured import measured

LOOSE = Policy(
    user_burst=100_000, user_count=100_000, repeat_s=0, display_per_s=100_000, display_high_per_s=0
)
QUICK = Rooms(window_ms=5, lease_ms=2000, history_batches=24_000)
LONG = Rooms(window_ms=5, lease_ms=60_000)  # a machine that stalls costs no lease
PATIENCE_MS = 20_000  # within which a busy machine answers

A = TypeVar("A")


class Running:
    """A rooms process, and what stops it."""

    def __init__(
        self, process: RoomsProcess, registry: CollectorRegistry, bus: Bus, settings: Settings
    ) -> None:
        self.settings = settings  # in force
        self.process = process
        self.name, self.rooms, self.leases = process.name, process.rooms, process.leases
        self.bus = bus
        self.registry = registry
        self.stop = asyncio.Event()
        self.task = asyncio.create_task(process.run(self.stop))

    def loaded(self, room: str) -> LoadedRoom:
        """A room that is in its memory."""
        found = self.rooms.get(room)
        assert found is not None
        return found

    def is_busy(self, room: str) -> bool:
        """Whether something of it waits to be stored."""
        found = self.rooms.get(room)
        return found is not None and found.room.is_busy

    def metric(self, name: str, /, **labels: str) -> float:
        return measured(self.registry, name, **labels)

    async def end(self) -> None:
        """Stop it as SIGTERM does."""
        self.stop.set()
        await self.task

    async def kill(self) -> None:
        """It stops without a word, as after SIGKILL."""
        self.task.cancel()
        await asyncio.wait([self.task])


class Given(TypedDict, total=False):
    """What a rooms process is started with; a store or settings of its own, where a test needs them."""

    rooms: Rooms
    policy: Policy
    chat: Chat
    review: Review
    store: Store
    lease_clock: Callable[[], float]
    slow: Slow


class Service:
    """Everything on one bus and one store. `bus` is the talker's own connection."""

    def __init__(self, kind: str, bus: Bus, nats: Nats, store_settings: StoreSettings | None) -> None:
        self.kind = kind
        self.bus = bus
        self.nats = nats
        self.subjects = Subjects(nats.prefix)
        self._store_settings = store_settings
        self._twin = MemoryStore()
        self._running: list[Running] = []
        self._buses: list[Bus] = []
        self._stores: list[Store] = []
        self._owners: dict[int, str] = {}
        self._told = asyncio.Event()

    async def open_store(self) -> Store:
        if self._store_settings is None:
            return self._twin
        store = await ValkeyStore.connect(self._store_settings, QUICK)
        self._stores.append(store)
        return store

    async def start(self, **given: Unpack[Given]) -> Running:
        """One more rooms process."""
        name = f"rooms-{token_hex(4)}"
        bus = self.bus
        if self.kind == "real":
            bus = await NatsBus.connect(self.nats, name)
            self._buses.append(bus)
        registry = CollectorRegistry()
        settings = Settings(
            nats=self.nats,
            rooms=given.get("rooms", QUICK),
            policy=given.get("policy", LOOSE),
            chat=given.get("chat", Chat()),
            review=given.get("review", Review()),
        )
        settling = Settling(settings)
        store = given.get("store") or await self.open_store()
        clock, slow = given.get("lease_clock", boot_clock), given.get("slow")
        process = RoomsProcess(name, bus, store, settling, RoomsMetrics(registry), clock, slow=slow)
        running = Running(process, registry, bus, settling.settings)
        self._running.append(running)
        return running

    async def sole_owner(self, **given: Unpack[Given]) -> Running:
        """One more rooms process, once it owns everything, and nobody else anything."""
        running = await self.start(**given)
        await self.owned(running)
        return running

    async def listen(self) -> None:
        await self.bus.subscribe(self.subjects.owners, self._heard)

    async def owned(self, *processes: Running, deadline_s: float = 30) -> None:
        """Wait until all partitions are owned, by all of `processes` and nobody else."""
        names = {running.name for running in processes}
        async with asyncio.timeout(deadline_s):
            while len(self._owners) < PARTITIONS or set(self._owners.values()) != names:
                self._told.clear()
                await self._told.wait()

    def owner(self, room: str) -> str | None:
        return self._owners.get(partition_of(room))

    async def request(
        self, process: str, *rows: Row, budget_s: float = 20, late_s: float = 10
    ) -> list[Answer]:
        """One request as an edge makes it; the answer may be that late, on a busy machine. Raises BusDown."""
        request = envelope.encode(OwnerRequest("edge-t", round(budget_s * 1000), list(rows)))
        reply = await self.bus.request(self.subjects.owner(process), request, budget_s + late_s)
        return envelope.decode_owner_reply(reply).answers

    async def ask(self, row: Row, deadline_s: float = 60, **patience: float) -> Answer:
        """Ask until somebody answers who owns the room; `patience` as `request` takes it."""
        async with asyncio.timeout(deadline_s):
            while True:
                owner = self.owner(row.room)
                if owner is not None:
                    try:
                        (answer,) = await self.request(owner, row, **patience)
                    except BusDown:
                        pass
                    else:
                        if not isinstance(answer, Elsewhere):
                            return answer
                await asyncio.sleep(0.02)

    async def query(self, subject: str, request: object) -> bytes:
        """What is answered to a request that has time. Raises BusDown."""
        return await self.bus.request(subject, envelope.encode(request), PATIENCE_MS / 1000 + 10)

    async def users(self, *rows: UserRow) -> list[Any]:
        """As edges ask any rooms process about users."""
        reply = await self.query(self.subjects.users, UsersRequest(PATIENCE_MS, list(rows)))
        return envelope.decode_users_reply(reply).answers

    async def history(self, room: str, since: Position | None = None, limit: int = 100) -> HistoryReply:
        """As edges ask any rooms process for it."""
        request = HistoryRequest(room, limit, PATIENCE_MS, since)
        return envelope.decode_history_reply(await self.query(self.subjects.history, request))

    async def watch(self, room: str) -> Watching:
        watching = Watching()
        await self.bus.subscribe(self.subjects.room_out(room), watching.receive)
        await self.bus.flush(20)
        return watching

    async def close(self) -> None:
        for running in self._running:
            if not running.task.done():
                await running.kill()
        for bus in self._buses:
            await bus.close()
        for store in self._stores:
            await store.close()

    def _heard(self, payload: bytes, _: str) -> None:
        owners = envelope.decode_owners(payload)
        mine = {} if owners.leaving else owners.partitions
        self._owners = {p: name for p, name in self._owners.items() if name != owners.process or p in mine}
        self._owners |= dict.fromkeys(mine, owners.process)
        self._told.set()


@asynccontextmanager
async def service(kind: str, nats: Nats, store: StoreSettings | None) -> AsyncIterator[Service]:
    bus: Bus = MemoryBus() if kind == "memory" else await NatsBus.connect(nats, "talker")
    opened = Service(kind, bus, nats, store)
    try:
        await opened.listen()
        yield opened
    finally:
        await opened.close()
        await bus.close()


def send(room: str, uid: str, text: str, cid: str, role: Role = Role.VIEWER) -> SendRow:
    return SendRow(room, uid, uid.title(), role, text, cid)


def the(kind: type[A], answer: Answer) -> A:
    assert isinstance(answer, kind), answer
    return answer


def refusal(answer: Answer) -> str:
    return the(Refused, answer).name
