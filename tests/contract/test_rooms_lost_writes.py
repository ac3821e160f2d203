"""A store that comes back without its last writes gets them again from whoever owns the room."""

from __future__ import annotations

import asyncio

import pytest

from config.settings import Rooms
from danmaku.envelope import OutKind
from danmaku.model import START, Position, Role, RoomInfo, RoomSettings
from danmaku.rows import DeleteRoomRow, Done, Open, PutRoomRow, Room, Shown
from danmaku.store import Store
from danmaku.store.errors import StoreDown
from danmaku.store.history import Append, Appended, Entry
from danmaku.subjects import partition_of
from tests.contract.failing import Fault
from tests.contract.losing import lose, lose_state
from tests.contract.rooms_service import LONG, Service, send, the
from tests.contract.rooms_watching import Watching
from tests.contract.stores import kept_of
from tests.waiting import until


async def test_a_log_that_went_back_is_continued_in_a_new_epoch(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    process = await live.sole_owner(rooms=LONG, store=store)
    watching = await live.watch("a")
    first = the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    other = Position(first.epoch, 9)
    lease = process.leases.partitions[partition_of("a")]
    entry = Entry(other, 1, first.at, b"\x80")
    (appended,) = await store.history.append(
        process.name, [Append("a", lease, Position(first.epoch, first.seq), entry)]
    )
    assert not isinstance(appended, Exception)
    assert await live.request(process.name, send("a", "u1", "two", "c2"), budget_s=2) == [Open()]
    second = the(Shown, await live.ask(send("a", "u1", "two", "c2")))
    assert second.epoch > first.epoch
    assert second.seq == 1
    await until(lambda: [out.first for out in watching.outs][-1] == (second.epoch, 1))
    assert watching.outs[-1].prev == other


async def test_a_store_that_lost_its_last_writes_gets_them_again_with_the_next_comment(live: Service) -> None:
    store = await live.open_store()
    process = await live.sole_owner(rooms=LONG, store=store)
    watching = await live.watch("a")
    first = the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    the(Room, await live.ask(PutRoomRow("a", "boss", Role.STREAMER, settings=RoomSettings(max_length=9))))
    the(Shown, await live.ask(send("a", "u1", "two", "c2")))
    last = the(Room, await live.ask(PutRoomRow("a", "boss", Role.STREAMER, title="Show")))
    for lost in (1, 2, 3):  # at last also what made the room
        await lose(store, "a", lost)
        await lose_state(store, "a")
        shown = the(Shown, await live.ask(send("a", "u1", f"after {lost}", f"after {lost}")))
        assert (shown.epoch, shown.seq) == (first.epoch, 4 + lost)
        await until(lambda: _saved(store, last.info))
        await _whole(store, watching, 4 + lost)
    assert process.metric("danmaku_rooms_reappended_batches_total") == 6
    assert the(Shown, await live.ask(send("a", "u1", "two", "c2"))).seq == 3
    assert process.metric("danmaku_rooms_lease_changes_total", change="lost") == 0


async def test_a_store_that_loses_writes_again_and_again_costs_nobody_anything(live: Service) -> None:
    store = await live.open_store()
    process = await live.sole_owner(rooms=LONG, store=store)
    watching = await live.watch("a")

    async def talk(uid: str) -> list[int]:
        answers = [await live.ask(send("a", uid, f"{n}", f"c{n}")) for n in range(30)]
        return [the(Shown, answer).seq for answer in answers]

    talking = asyncio.gather(*(talk(f"u{number}") for number in range(4)))
    while not talking.done():
        await asyncio.sleep(0.02)
        await lose(store, "a", 2)
    assert sorted(seq for seqs in await talking for seq in seqs) == list(range(1, 121))
    the(Shown, await live.ask(send("a", "u1", "last", "last")))
    await _whole(store, watching, 121)
    assert process.metric("danmaku_rooms_lease_changes_total", change="lost") == 0
    assert process.metric("danmaku_rooms_reappended_batches_total") > 0


async def test_a_log_that_loses_more_while_it_is_mended_is_mended_again(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rooms.lookout._LOOK_S", 3600.0)  # nobody else may notice
    store = await live.open_store()
    process = await live.sole_owner(rooms=LONG, store=store)
    watching = await live.watch("a")
    for text in ("one", "two", "three", "four"):
        the(Shown, await live.ask(send("a", "u1", text, text)))
    loaded = process.loaded("a")
    append, asked, lost_more = store.history.append, asyncio.Event(), asyncio.Event()

    async def late(name: str, appends: list[Append]) -> list[Appended | Exception]:
        asked.set()
        await lost_more.wait()
        return await append(name, appends)

    monkeypatch.setattr(store.history, "append", late)
    await lose(store, "a", 1)
    process.process._flush.torn(loaded, await store.history.head("a"))
    await asked.wait()
    await lose(store, "a", 1)
    lost_more.set()
    await until(lambda: _head_is(store, loaded.room.head))
    await _whole(store, watching, 4)
    assert process.metric("danmaku_rooms_lease_changes_total", change="lost") == 0
    assert process.metric("danmaku_rooms_reappended_batches_total") == 2


async def test_a_deleted_room_of_a_store_that_lost_writes_stays_closed(live: Service) -> None:
    store = await live.open_store()
    process = await live.sole_owner(rooms=LONG, store=store)
    the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    the(Done, await live.ask(DeleteRoomRow("a", "boss", Role.ADMIN)))
    await lose(store, "a", 1)
    await lose_state(store, "a")
    the(Room, await live.ask(PutRoomRow("a", "boss", Role.STREAMER, title="Again")))
    await until(lambda: process.metric("danmaku_rooms_reappended_batches_total") == 2)
    info, seqs = await kept_of(store, "a")
    assert info is not None
    assert (info.title, info.open, seqs) == ("Again", True, [2, 4])


async def test_a_store_that_is_back_without_its_last_writes_gets_them_again_at_once(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    process = await live.sole_owner(rooms=LONG, store=store)
    rooms = [f"r{number}" for number in range(40)]
    watchings = [await live.watch(room) for room in rooms]
    for text in ("one", "two", "three"):
        rows = [send(room, "u1", text, text) for room in rooms]
        await live.request(process.name, *rows)
    ping = Fault(store, "ping", monkeypatch, carried_out=False)
    for room in rooms:
        await lose(store, room, 2)
    ping.left = 1
    await until(lambda: process.metric("danmaku_rooms_reappended_batches_total") == 2 * len(rooms))
    for room, watching in zip(rooms, watchings, strict=True):
        await _whole(store, watching, 3, room)


@pytest.mark.parametrize("carried_out", [False, True])
async def test_what_is_appended_again_may_be_of_unknown_outcome_too(
    live: Service, monkeypatch: pytest.MonkeyPatch, carried_out: bool
) -> None:
    store = await live.open_store()
    append = Fault(store.history, "append", monkeypatch, carried_out=carried_out)
    process = await live.sole_owner(rooms=LONG, store=store)
    watching = await live.watch("a")
    for text in ("one", "two", "three"):
        the(Shown, await live.ask(send("a", "u1", text, text)))
    await lose(store, "a", 2)
    loaded = process.loaded("a")
    append.left = 2
    process.process._flush.torn(loaded, await store.history.head("a"))  # as the lookout says it
    await until(lambda: _head_is(store, loaded.room.head))
    assert append.left == (1 if carried_out else 0)
    append.left = 0
    the(Shown, await live.ask(send("a", "u1", "four", "four")))
    await _whole(store, watching, 4)


async def test_one_batch_alone_of_those_appended_again_may_be_of_unknown_outcome(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    process = await live.sole_owner(rooms=LONG, store=store)
    watching = await live.watch("a")
    for text in ("one", "two", "three"):
        the(Shown, await live.ask(send("a", "u1", text, text)))
    await lose(store, "a", 2)
    append, failed = store.history.append, False

    async def half(name: str, appends: list[Append]) -> list[Appended | Exception]:
        nonlocal failed
        if failed or len(appends) == 1:
            return await append(name, appends)
        failed = True
        return [*await append(name, appends[:1]), StoreDown("as the test wants it")]

    monkeypatch.setattr(store.history, "append", half)
    loaded = process.loaded("a")
    process.process._flush.torn(loaded, await store.history.head("a"))
    await until(lambda: _head_is(store, loaded.room.head))
    assert failed
    await _whole(store, watching, 3)


async def test_a_state_that_cannot_be_restored_for_want_of_the_lease_is_given_up(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    process = await live.sole_owner(rooms=LONG, store=store)
    the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    save = Fault(store.rooms, "save", monkeypatch, carried_out=False)
    save.left = 1000
    await lose(store, "a", 1)
    loaded = process.loaded("a")
    process.process._flush.torn(loaded, START)
    await until(lambda: save.seen > 0)
    await store.leases.release(process.leases.partitions, process.name)
    save.left = 0
    await until(lambda: loaded.gone)
    assert partition_of("a") not in process.leases.partitions


async def test_a_store_that_lost_more_than_is_remembered_is_continued_in_a_new_epoch(live: Service) -> None:
    store = await live.open_store()
    rooms = Rooms(window_ms=5, lease_ms=8000)  # a partition that was given up is taken again within 2 s
    process = await live.sole_owner(rooms=rooms, store=store)
    watching = await live.watch("a")
    first = the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    for text in ("two", "three"):
        the(Shown, await live.ask(send("a", "u1", text, text)))
    loaded = process.loaded("a")
    loaded.recent.forget(float("inf"))
    await lose(store, "a", 2)
    assert await live.request(process.name, send("a", "u1", "four", "c4"), budget_s=1) == [Open()]
    second = the(Shown, await live.ask(send("a", "u1", "four", "c4")))
    assert second.epoch > first.epoch
    await until(lambda: watching.outs[-1].first == (second.epoch, 1))
    assert watching.outs[-1].prev == (first.epoch, 1)
    assert process.metric("danmaku_rooms_reappended_batches_total") == 0


async def test_a_log_that_was_mended_meanwhile_is_left_alone(live: Service) -> None:
    store = await live.open_store()
    process = await live.sole_owner(store=store)
    watching = await live.watch("a")
    for text in ("one", "two"):
        the(Shown, await live.ask(send("a", "u1", text, text)))
    loaded = process.loaded("a")
    process.process._flush.torn(loaded, START)  # it was so when it was read
    the(Shown, await live.ask(send("a", "u1", "three", "three")))
    await _whole(store, watching, 3)
    assert process.metric("danmaku_rooms_lease_changes_total", change="lost") == 0


async def test_a_lost_lease_is_found_when_a_log_is_to_be_mended(live: Service) -> None:
    store = await live.open_store()
    process = await live.sole_owner(rooms=LONG, store=store)
    for text in ("one", "two"):
        the(Shown, await live.ask(send("a", "u1", text, text)))
    await lose(store, "a", 1)
    await store.leases.release(process.leases.partitions, process.name)
    loaded = process.loaded("a")
    process.process._flush.torn(loaded, await store.history.head("a"))
    await until(lambda: loaded.gone)
    assert partition_of("a") not in process.leases.partitions
    assert (await store.history.head("a")).seq == 1


async def _whole(store: Store, watching: Watching, items: int, room: str = "a") -> None:
    """The log and what viewers saw are the same batches, none twice."""
    await until(lambda: len(watching.items) == items)
    kept = await store.history.after(room, START, 1000, 1_000_000)
    assert kept.complete
    shown = [out.frame for out in watching.outs if out.kind is OutKind.BATCH]
    assert [entry.frame for entry in kept.entries] == shown


async def _saved(store: Store, info: RoomInfo) -> bool:
    return await store.rooms.load(info.room) == info


async def _head_is(store: Store, head: Position) -> bool:
    return await store.history.head("a") == head
