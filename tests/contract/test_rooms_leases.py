"""What an owner does when its lease runs out by its own clock, and what is left of its rooms then."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from config.settings import Rooms
from danmaku.model import Role, closed_for_good
from danmaku.rows import DeleteRoomRow, Done, Elsewhere, Open, PutRoomRow, Shown
from danmaku.store import Store
from danmaku.store.errors import StoreDown
from danmaku.subjects import PARTITIONS, partition_of
from rooms.leases import boot_clock
from tests.contract.failing import Fault
from tests.contract.losing import lose, lose_state
from tests.contract.rooms_service import LONG, Running, Service, send, the
from tests.waiting import until

LEASE_S = LONG.lease_ms / 1000
PARTITION = partition_of("a")


class Clock:
    """The boot clock of a machine that may sleep."""

    def __init__(self) -> None:
        self.slept_s = 0.0

    def __call__(self) -> float:
        return boot_clock() + self.slept_s


class Renewal:
    """The store's `renew`, which can be held up: what it says comes when `go_on` is set."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self._renew = store.leases.renew
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.carried_out = asyncio.Event()
        monkeypatch.setattr(store.leases, "renew", self)

    async def __call__(self, *words: Any) -> Any:
        still = await self._renew(*words)
        self.carried_out.set()
        await self.go_on.wait()
        return still

    async def next(self) -> None:
        """Return when one is held up that the store has carried out."""
        self.go_on.clear()
        self.carried_out.clear()
        await asyncio.wait_for(self.carried_out.wait(), 60)


async def owner(live: Service, store: Store, clock: Clock, rooms: Rooms = LONG) -> Running:
    process = await live.sole_owner(rooms=rooms, store=store, lease_clock=clock)
    the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    return process


def test_the_clock_goes_on_while_the_machine_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "clock_gettime", {time.CLOCK_BOOTTIME: 12.5}.__getitem__)
    assert boot_clock() == 12.5


async def test_a_lease_that_ran_out_is_none_whatever_the_store_may_say(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, clock = await live.open_store(), Clock()
    process = await owner(live, store, clock)
    leases = process.leases
    assert leases.epoch(PARTITION) is not None
    clock.slept_s = LEASE_S
    assert leases.epoch(PARTITION) is None
    assert leases.partitions == {}
    row = send("a", "u1", "two", "c2")
    assert await live.request(process.name, row) == [Elsewhere()]


async def test_what_waits_when_the_lease_runs_out_is_thrown_away_unanswered(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, clock = await live.open_store(), Clock()
    append = Fault(store.history, "append", monkeypatch, carried_out=False)
    process = await owner(live, store, clock)
    append.left = 1_000_000
    row = send("a", "u1", "two", "c2")
    asking = asyncio.create_task(live.request(process.name, row, budget_s=3))
    await until(lambda: append.seen >= 2)
    clock.slept_s = LEASE_S
    await until(lambda: process.rooms.get("a") is None)
    append.left = 0
    assert await asking == [Open()]
    assert process.rooms.space.taken == 0
    assert (await store.history.head("a")).seq == 1


async def test_a_lease_that_ran_out_while_it_was_renewed_is_not_revived(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody may have acted on its end meanwhile: it comes back with a new epoch, or not at all."""
    store, clock = await live.open_store(), Clock()
    renewal = Renewal(store, monkeypatch)
    rooms = Rooms(window_ms=5, lease_ms=3000)
    process = await owner(live, store, clock, rooms)
    leases = process.leases
    epoch = leases.epoch(PARTITION)
    assert epoch is not None
    await renewal.next()
    clock.slept_s += rooms.lease_ms / 1000
    assert leases.epoch(PARTITION) is None
    renewal.go_on.set()
    await until(lambda: leases.epoch(PARTITION) is not None)
    assert (leases.epoch(PARTITION) or 0) > epoch
    assert the(Shown, await live.ask(send("a", "u1", "two", "c2"))).epoch > epoch


async def test_a_renewed_lease_counts_from_before_the_store_was_asked(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, clock = await live.open_store(), Clock()
    renewal = Renewal(store, monkeypatch)
    process = await owner(live, store, clock, Rooms(window_ms=5, lease_ms=9000))
    await renewal.next()
    clock.slept_s += 5
    renewal.go_on.set()
    leases = process.leases
    await until(lambda: leases.epoch(PARTITION) is not None)
    Fault(store.leases, "renew", monkeypatch, carried_out=False).left = 1_000_000
    clock.slept_s += 4
    assert leases.epoch(PARTITION) is None


async def test_what_is_given_up_is_released(live: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else nobody could own it before the store's own time has run out."""
    store = await live.open_store()
    release, released = store.leases.release, []

    async def noted(leases: dict[int, int], process: str) -> set[int]:
        released.append(leases)
        return await release(leases, process)

    monkeypatch.setattr(store.leases, "release", noted)
    process = await owner(live, store, Clock(), Rooms(window_ms=5, lease_ms=3000))
    leases = process.leases
    epoch = leases.epoch(PARTITION)
    assert epoch is not None
    leases.give_up(PARTITION, epoch)
    await until(lambda: leases.epoch(PARTITION) is not None)
    assert {PARTITION: epoch} in released
    assert (leases.epoch(PARTITION) or 0) > epoch


async def test_what_waits_is_finished_before_partitions_are_handed_back(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    append, go_on, began = store.history.append, asyncio.Event(), asyncio.Event()
    process = await owner(live, store, Clock())

    async def slow(*words: Any) -> Any:
        began.set()
        await go_on.wait()
        return await append(*words)

    monkeypatch.setattr(store.history, "append", slow)
    row = send("a", "u1", "two", "c2")
    asking = asyncio.create_task(live.request(process.name, row))
    await asyncio.wait_for(began.wait(), 30)
    ending = asyncio.create_task(process.end())
    await until(lambda: not process.rooms.serves(PARTITION))
    assert len(await store.leases.holders()) == PARTITIONS
    go_on.set()
    assert the(Shown, (await asking)[0]).seq == 2
    await ending
    assert not await store.leases.holders()


async def test_a_store_that_was_away_for_longer_than_a_lease_gets_its_last_writes_again(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where nobody asks for the room any more, and though the partition has a new epoch by then."""
    store = await live.open_store()
    process = await live.sole_owner(store=store)
    watching = await live.watch("a")
    title = PutRoomRow("a", "boss", Role.STREAMER, title="Show")
    await live.ask(title)
    told = [the(Shown, await live.ask(send("a", "u1", text, text))) for text in ("one", "two", "three")]
    info = await store.rooms.load("a")
    assert info is not None
    away = [Fault(store.leases, verb, monkeypatch, carried_out=False) for verb in ("renew", "take")]
    for fault in away:
        fault.left = 1_000_000
    await until(lambda: process.rooms.get("a") is None)
    await lose(store, "a", 2)
    await lose_state(store, "a")
    for fault in away:
        fault.left = 0

    async def is_back() -> bool:
        return (await store.history.head("a")).seq == 4 and await store.rooms.load("a") == info

    await until(is_back)
    assert process.metric("danmaku_rooms_reappended_batches_total") == 2
    assert the(Shown, await live.ask(send("a", "u1", "three", "three"))) == told[2], "it is known as ever"
    after = the(Shown, await live.ask(send("a", "u1", "four", "four")))
    assert (after.epoch > told[2].epoch, after.seq) == (True, 1)
    await until(lambda: len(watching.items) == 5)
    assert [item["text"] for _, item in watching.items[1:]] == ["one", "two", "three", "four"]
    await lose(store, "a", 2)
    last = the(Shown, await live.ask(send("a", "u1", "five", "five")))
    assert (last.epoch, last.seq) == (after.epoch, 2), "what was stored under both epochs is remembered"
    kept = await store.history.latest("a", 100, 100_000)
    assert [(entry.last.epoch, entry.last.seq) for entry in kept.entries] == [
        (told[0].epoch, 1), *((one.epoch, one.seq) for one in told), (after.epoch, 1), (after.epoch, 2),
    ]  # fmt: skip


async def test_who_had_a_partition_takes_it_again(live: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an outage of the store all are free, and what a log should hold is known to who had it. Whoever
    comes back first, and is the only one who is counted then, does not take what others had."""
    store = await live.open_store()
    rooms = Rooms(window_ms=5, lease_ms=5000)
    one, two = [await live.start(store=store, rooms=rooms) for _ in range(2)]
    await live.owned(one, two)
    before = [set(process.leases.partitions) for process in (one, two)]
    given_back = [handed_back(process) for process in (one, two)]
    enlist = store.leases.enlist
    away = [Fault(store.leases, verb, monkeypatch, carried_out=False) for verb in ("renew", "take", "enlist")]
    for fault in away:
        fault.left = 1_000_000

    async def all_are_forgotten() -> bool:
        return not await store.leases.holders() and await enlist("probe", 1) == ["probe"]

    await until(all_are_forgotten)
    for fault in away:
        fault.left = 0
    await until(lambda: len(one.leases.partitions) == len(two.leases.partitions) == 32)
    assert [set(process.leases.partitions) for process in (one, two)] == before
    assert [handed_back(process) for process in (one, two)] == given_back


def handed_back(process: Running) -> float:
    return process.metric("danmaku_rooms_lease_changes_total", change="released")


async def test_what_is_lost_while_it_is_brought_back_is_brought_back_too(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    process = await live.sole_owner(store=store)
    for text in ("one", "two", "three", "four"):
        told = the(Shown, await live.ask(send("a", "u1", text, text)))
    process.leases._drop(list(process.leases.partitions), "lost")
    await lose(store, "a", 1)
    append, once = store.history.append, True

    async def losing(*words: Any) -> Any:
        nonlocal once
        if once:
            once = False
            await lose(store, "a", 1)
        return await append(*words)

    monkeypatch.setattr(store.history, "append", losing)
    assert the(Shown, await live.ask(send("a", "u1", "four", "four"))) == told
    assert (await store.history.head("a")) == (told.epoch, told.seq)
    assert process.metric("danmaku_rooms_reappended_batches_total") == 2


async def test_an_idle_room_that_is_dropped_stays_so(live: Service) -> None:
    store = await live.open_store()
    process = await live.sole_owner(store=store)
    the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    loaded = process.loaded("a")
    process.rooms.drop(loaded)
    process.rooms.reopen()
    await asyncio.sleep(0.1)
    assert process.rooms.get("a") is None


async def test_what_is_brought_back_may_be_of_unknown_outcome(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    process = await live.sole_owner(store=store)
    for text in ("one", "two"):
        the(Shown, await live.ask(send("a", "u1", text, text)))
    process.leases._drop(list(process.leases.partitions), "lost")
    assert process.rooms.get("a") is None
    await lose(store, "a", 1)
    append = store.history.append
    left = 2

    async def unsure(*words: Any) -> Any:
        nonlocal left
        outcomes = await append(*words)
        left -= 1
        return [StoreDown("as the test wants it")] if left >= 0 else outcomes

    monkeypatch.setattr(store.history, "append", unsure)
    again = the(Shown, await live.ask(send("a", "u1", "two", "two")))
    assert again.seq == 2
    assert (await store.history.head("a")).seq == 2


async def test_a_deleted_room_stays_closed_when_it_is_brought_back(live: Service) -> None:
    store = await live.open_store()
    process = await live.sole_owner(store=store)
    the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    assert await live.ask(DeleteRoomRow("a", "boss", Role.STREAMER)) == Done()
    head = await store.history.head("a")
    process.leases._drop(list(process.leases.partitions), "lost")
    await lose(store, "a", 1)
    await lose_state(store, "a")

    async def is_closed() -> bool:
        return await store.history.head("a") == head and await store.rooms.load("a") == closed_for_good("a")

    await until(is_closed)
