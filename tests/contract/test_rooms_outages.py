"""Rooms processes when the store fails, answers too late, or gives a partition to somebody else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from config.settings import Rooms
from danmaku import envelope
from danmaku.bus import BusDown, BusTimeout
from danmaku.envelope import BroadcastRequest, HistoryRequest, OutKind, RoomsRequest
from danmaku.model import START, Position, Role, RoomInfo, RoomSettings, closed_for_good
from danmaku.moderation_rows import SanctionRow
from danmaku.rows import (
    Admitted,
    DeleteRoomRow,
    Done,
    Elsewhere,
    GetRoomRow,
    HelloRow,
    JoinRow,
    LikeRow,
    Open,
    PutRoomRow,
    RefreshRow,
    Refused,
    Room,
    Shown,
)
from danmaku.store import Store
from danmaku.store.errors import StoreDown
from danmaku.store.history import Append, Appended, Entry
from danmaku.subjects import PARTITIONS, partition_of
from tests.contract.failing import Fault
from tests.contract.losing import lose, lose_state
from tests.contract.rooms_service import LONG, PATIENCE_MS, QUICK, Service, refusal, send, the
from tests.contract.rooms_watching import Watching
from tests.waiting import until


@pytest.mark.parametrize("carried_out", [False, True])
async def test_an_append_of_unknown_outcome_is_repeated_until_it_is_known(
    live: Service, monkeypatch: pytest.MonkeyPatch, carried_out: bool
) -> None:
    store = await live.open_store()
    append = Fault(store.history, "append", monkeypatch, carried_out=carried_out)
    process = await live.sole_owner(store=store)
    watching = await live.watch("a")
    the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    append.left = 3
    name = process.name
    first = asyncio.create_task(live.request(name, send("a", "u1", "two", "c2")))
    await until(lambda: append.seen >= 2)
    both = await live.request(name, send("a", "u1", "two", "c2"), send("a", "u1", "three", "c3"))
    assert (await first)[0] == both[0]
    assert [the(Shown, answer).seq for answer in both] == [2, 3]
    await until(lambda: len(watching.items) == 3)
    assert watching.texts == ["one", "two", "three"]
    kept = await store.history.latest("a", 100, 100_000)
    assert [entry.last.seq for entry in kept.entries] == [1, 2, 3]
    assert process.rooms.space.taken == 0


async def test_an_outcome_that_is_open_is_told_and_silences_no_other_row(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    append = Fault(store.history, "append", monkeypatch, carried_out=True)
    process = await live.sole_owner(store=store)
    the(Admitted, await live.ask(JoinRow("a", "u1", Role.VIEWER)))
    append.left = 1000
    name = process.name
    rows = send("a", "u1", "one", "c1"), LikeRow("a", "u2", Role.VIEWER, 3)
    assert await live.request(name, *rows, budget_s=2) == [Open(), Done()]
    append.left = 0
    the(Shown, (await live.request(name, send("a", "u1", "one", "c1")))[0])


async def test_a_room_that_cannot_be_loaded_in_time_is_asked_for_again_and_nothing_comes_after(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    load = Fault(store.rooms, "load", monkeypatch, carried_out=True)
    process = await live.sole_owner(store=store)
    load.left = 2
    name = process.name
    assert await live.request(name, send("a", "u1", "one", "c1"), budget_s=0.5) == [Open()]
    the(Shown, (await live.request(name, send("a", "u1", "two", "c2")))[0])
    kept = await store.history.latest("a", 100, 100_000)
    assert len(kept.entries) == 1
    load.left = 1000
    answers = await live.request(name, GetRoomRow("b"))
    assert refusal(answers[0]) == "unavailable"


async def test_a_partition_that_somebody_else_took_is_given_up_unanswered(live: Service) -> None:
    store = await live.open_store()
    process = await live.sole_owner(rooms=LONG, store=store)
    the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    partition = partition_of("a")
    await store.leases.release(process.leases.partitions, process.name)
    await store.leases.take([partition], "somebody", 60_000)
    assert await live.request(process.name, send("a", "u1", "two", "c2"), budget_s=2) == [Open()]
    assert process.rooms.get("a") is None
    assert partition not in process.leases.partitions
    assert process.metric("danmaku_rooms_lease_changes_total", change="lost") == 1
    assert process.rooms.space.taken == 0
    assert (await store.history.head("a")).seq == 1


@pytest.mark.parametrize(
    "row",
    [
        PutRoomRow("a", "boss", Role.STREAMER, title="x"),
        PutRoomRow("a", "boss", Role.STREAMER, open=False),
        PutRoomRow("a", "boss", Role.STREAMER, open=False, settings=RoomSettings(max_length=9)),
        DeleteRoomRow("a", "boss", Role.STREAMER),
        SanctionRow("a", "mute", "u1", "mod", Role.MODERATOR),
        SanctionRow("a", "unmute", "u1", "mod", Role.MODERATOR),
    ],
    ids=lambda row: f"{type(row).__name__} {getattr(row, 'verb', '')}",
)
async def test_a_change_for_a_lost_partition_is_sent_elsewhere(live: Service, row: Any) -> None:
    store = await live.open_store()
    process = await live.sole_owner(rooms=LONG, store=store)
    the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    before = await _kept(store, "a")
    await store.leases.release(process.leases.partitions, process.name)
    (answer,) = await live.request(process.name, row)
    assert isinstance(answer, Elsewhere)
    assert partition_of(row.room) not in process.leases.partitions
    assert await _kept(store, "a") == before, "neither the state nor an item of it"


async def test_a_log_that_went_back_is_continued_in_a_new_epoch(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    process = await live.sole_owner(store=store)
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


@pytest.mark.parametrize("carried_out", [False, True])
async def test_changes_are_repeated_until_their_outcome_is_known(
    live: Service, monkeypatch: pytest.MonkeyPatch, carried_out: bool
) -> None:
    store = await live.open_store()
    faults = {
        verb: Fault(noun, verb, monkeypatch, carried_out=carried_out)
        for noun, verb in (
            (store.rooms, "save"),
            (store.moderation, "impose"),
            (store.moderation, "lift"),
            (store.rooms, "delete"),
            (store.history, "append"),
        )
    }
    await live.sole_owner(store=store)
    watching = await live.watch("a")
    the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    for fault in faults.values():
        fault.left = 2
    assert the(Room, await live.ask(PutRoomRow("a", "boss", Role.ADMIN, title="x"))).info.title == "x"
    for verb in ("mute", "unmute"):
        the(Done, await live.ask(SanctionRow("a", verb, "u1", "mod", Role.MODERATOR)))
    for _ in range(2):  # the second time there is nothing to say
        the(Done, await live.ask(DeleteRoomRow("a", "boss", Role.ADMIN)))
    assert all(fault.left == 0 for fault in faults.values())
    await until(lambda: len(watching.items) == 2)
    assert watching.kinds == ["c", "closed"]
    assert [notice["kind"] for notice in watching.frames(OutKind.NOTICE)] == ["muted", "unmuted"]
    assert await _kept(store, "a") == (closed_for_good("a"), [2])


@pytest.mark.parametrize("carried_out", [False, True])
async def test_a_change_of_unknown_outcome_does_not_hold_until_it_is_known(
    live: Service, monkeypatch: pytest.MonkeyPatch, carried_out: bool
) -> None:
    store = await live.open_store()
    append = Fault(store.history, "append", monkeypatch, carried_out=carried_out)
    process = await live.sole_owner(store=store)
    watching = await live.watch("a")
    the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    append.left = 1000
    close = PutRoomRow("a", "boss", Role.STREAMER, open=False)
    name = process.name
    assert await live.request(name, close, budget_s=0.5) == [Open()]
    assert the(Room, await live.ask(GetRoomRow("a"))).info.open
    the(Admitted, await live.ask(JoinRow("a", "u2", Role.VIEWER)))
    append.left = 0
    (answer,) = await live.request(name, close)
    assert not the(Room, answer).info.open
    assert refusal(await live.ask(JoinRow("a", "u2", Role.VIEWER))) == "room_closed"
    await until(lambda: len(watching.items) == 2)
    assert watching.kinds == ["c", "closed"]
    info, seqs = await _kept(store, "a")
    assert info is not None
    assert not info.open
    assert seqs == [1, 2]


@pytest.mark.parametrize("carried_out", [False, True])
async def test_an_owner_that_dies_leaves_a_change_and_its_item_or_neither(
    live: Service, monkeypatch: pytest.MonkeyPatch, carried_out: bool
) -> None:
    store = await live.open_store()
    first = await live.sole_owner(store=store)
    the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    with monkeypatch.context() as patched:
        append = Fault(store.history, "append", patched, carried_out=carried_out)
        append.left = 1000
        row = PutRoomRow("a", "boss", Role.STREAMER, open=False)
        assert await live.request(first.name, row, budget_s=0.5) == [Open()]
        await first.kill()
    watching = await live.watch("a")
    await live.sole_owner(store=store)
    room = the(Room, await live.ask(GetRoomRow("a")))
    await watching.until(1, OutKind.BATCH)
    assert room.info.open is not carried_out
    assert watching.kinds == ["closed" if carried_out else "c"]


async def test_changes_of_one_room_at_one_time_do_not_lose_each_other(live: Service) -> None:
    process = await live.sole_owner()
    watching = await live.watch("a")
    the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    answers = await live.request(
        process.name,
        PutRoomRow("a", "boss", Role.STREAMER, settings=RoomSettings(max_length=9)),
        PutRoomRow("a", "boss", Role.STREAMER, title="Show"),
        PutRoomRow("a", "boss", Role.STREAMER, open=False),
        PutRoomRow("a", "boss", Role.STREAMER, title="Over"),
        PutRoomRow("a", "boss", Role.STREAMER, open=True, settings=RoomSettings(max_length=8)),
    )
    told = [the(Room, answer).info for answer in answers]
    assert [info.title for info in told] == ["", "Show", "Show", "Over", "Over"]
    assert [info.open for info in told] == [True, True, False, False, True]
    info, _ = await _kept(await live.open_store(), "a")
    assert info == told[-1]
    await until(lambda: len(watching.items) == 5)
    assert watching.kinds == ["c", "settings", "closed", "settings", "opened"]


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
        assert (shown.epoch, shown.seq) == (first.epoch, 3 + lost)
        await until(lambda: _saved(store, last.info))
        await _whole(store, watching, 3 + lost)
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
    info, seqs = await _kept(store, "a")
    assert info is not None
    assert (info.title, info.open, seqs) == ("Again", True, [2, 3])


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


async def test_leases_that_cannot_be_renewed_run_out_and_come_back(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    renew = Fault(store.leases, "renew", monkeypatch, carried_out=False)
    process = await live.sole_owner(store=store)
    first = the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    renew.left = 1000
    await until(lambda: process.rooms.get("a") is None)
    renew.left = 0
    second = the(Shown, await live.ask(send("a", "u1", "two", "c2")))
    assert second.epoch > first.epoch


async def test_a_store_call_that_hangs_does_not_cost_the_leases(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    process = await live.sole_owner(store=store)
    held = process.leases.partitions
    enlist, left = store.leases.enlist, 1

    async def hanging(*words: Any) -> list[str]:
        nonlocal left
        if left:
            left -= 1
            await asyncio.sleep(60)
        return await enlist(*words)

    monkeypatch.setattr(store.leases, "enlist", hanging)
    await until(lambda: left == 0)
    await asyncio.sleep(QUICK.lease_ms / 1000 * 1.5)
    assert process.leases.partitions == held
    assert process.metric("danmaku_rooms_lease_changes_total", change="lost") == 0


async def test_a_process_that_is_cut_off_from_the_bus_lets_others_have_its_rooms(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    first = await live.sole_owner(store=store)
    bus_is_there = True
    monkeypatch.setattr(first.leases, "_connected", lambda: bus_is_there)
    bus_is_there = False
    second = await live.start(store=store)
    await until(lambda: len(second.leases.partitions) == PARTITIONS)
    assert first.leases.partitions == {}
    assert await store.leases.enlist(second.name, QUICK.lease_ms) == [second.name]
    bus_is_there = True
    await live.owned(first, second)


async def test_a_stop_while_the_store_is_away_ends_all_the_same(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    process = await live.sole_owner(rooms=Rooms(window_ms=5, lease_ms=600), store=store)
    the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    the(Done, await live.ask(LikeRow("a", "u1", Role.VIEWER, 3)))
    for noun, verb in (
        (store.history, "append"), (store.leases, "release"), (store.rooms, "add_likes")
    ):  # fmt: skip
        Fault(noun, verb, monkeypatch, carried_out=False).left = 1000
    row = send("a", "u1", "two", "c2")
    asking = asyncio.create_task(live.request(process.name, row, budget_s=0.5, late_s=0))
    await until(lambda: _busy(process.rooms.get("a")))
    await process.end()
    with pytest.raises(BusTimeout):
        await asking


async def test_whoever_cannot_be_answered_is_told_so_at_once(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    process = await live.sole_owner(store=store)
    reads = [
        (store.history, "latest"),
        (store.sessions, "greet"),
        (store.tokens, "spend"),
        (store.rooms, "in_partition"),
    ]
    faults = {verb: Fault(noun, verb, monkeypatch, carried_out=False) for noun, verb in reads}
    for fault in faults.values():
        fault.left = 1000
    own = live.subjects.owner(process.name)
    for subject, request in (
        (live.subjects.history, HistoryRequest("a", 10, PATIENCE_MS)),
        (own, RoomsRequest(PATIENCE_MS, 10)),
        (own, BroadcastRequest(PATIENCE_MS, "root", "b1", b"\x80")),
    ):
        assert await live.query(subject, request) == b""
    rows = HelloRow("u1", 1), RefreshRow("u1", "f", 1, 1)
    assert [refusal(answer) for answer in await live.users(*rows)] == ["unavailable"] * 2
    faults["greet"].left = 0
    assert [type(answer) for answer in await live.users(*rows)] == [Done, Refused]


async def test_whoever_is_one_too_many_is_told_so_at_once(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While those before him wait for a store that does not answer."""
    store = await live.open_store()
    process = await live.sole_owner(store=store)
    goes_on = asyncio.Event()

    async def hanging(*_: Any, **__: Any) -> list[str]:
        await goes_on.wait()
        return []

    monkeypatch.setattr(store.rooms, "in_partition", hanging)
    owner = live.subjects.owner(process.name)
    request = envelope.encode(RoomsRequest(20_000, 10))
    waiting = [asyncio.ensure_future(live.bus.request(owner, request, 20)) for _ in range(64)]
    await asyncio.sleep(0)  # they are sent before
    assert await live.bus.request(owner, request, 20) == b""
    assert not any(one.done() for one in waiting)
    goes_on.set()
    assert all(envelope.decode_rooms_reply(reply).rooms == [] for reply in await asyncio.gather(*waiting))


async def test_a_message_that_finds_no_bus_is_asked_for_again(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = await live.sole_owner()
    publish, lost = process.bus.publish, 0

    async def deaf(subject: str, payload: bytes) -> None:
        nonlocal lost
        if lost < 1 and not subject.startswith(live.subjects.prefix):
            lost += 1
            raise BusDown("as the test wants it")
        await publish(subject, payload)

    monkeypatch.setattr(process.bus, "publish", deaf)
    row = send("a", "u1", "one", "c1")
    with pytest.raises(BusTimeout):
        await live.request(process.name, row, budget_s=0.3, late_s=0)
    assert the(Shown, (await live.request(process.name, row))[0]).seq == 1


async def test_likes_survive_an_outage(live: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await live.open_store()
    likes = Fault(store.rooms, "add_likes", monkeypatch, carried_out=False)
    process = await live.sole_owner(store=store)
    the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    likes.left = 1
    the(Done, await live.ask(LikeRow("a", "u1", Role.VIEWER, 3)))
    await until(lambda: likes.left == 0)
    the(Done, await live.ask(LikeRow("a", "u1", Role.VIEWER, 4)))
    await process.end()
    kept = await store.rooms.load("a")
    assert kept is not None
    assert kept.likes == 7


async def test_likes_count_once_when_partitions_are_handed_back_meanwhile(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    add, adding, go_on = store.rooms.add_likes, asyncio.Event(), asyncio.Event()

    async def slow(*words: Any) -> dict[str, int]:
        totals = await add(*words)
        adding.set()
        await go_on.wait()
        return totals

    process = await live.sole_owner(rooms=LONG, store=store)
    the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    monkeypatch.setattr(store.rooms, "add_likes", slow)
    the(Done, await live.ask(LikeRow("a", "u1", Role.VIEWER, 7)))
    await asyncio.wait_for(adding.wait(), 30)
    ending = asyncio.create_task(process.end())
    await until(lambda: not process.rooms.serves(partition_of("a")))
    go_on.set()
    await ending
    kept = await store.rooms.load("a")
    assert kept is not None
    assert kept.likes == 7


@pytest.mark.parametrize("carried_out", [False, True])
async def test_the_first_item_of_a_room_creates_it(
    live: Service, monkeypatch: pytest.MonkeyPatch, carried_out: bool
) -> None:
    store = await live.open_store()
    append = Fault(store.history, "append", monkeypatch, carried_out=carried_out)
    process = await live.sole_owner(store=store)
    the(Admitted, await live.ask(JoinRow("a", "u1", Role.VIEWER)))
    assert await _kept(store, "a") == (None, [])
    append.left = 2
    both = await live.request(process.name, send("a", "u1", "one", "c1"), send("b", "u1", "one", "c1"))
    assert [the(Shown, answer).seq for answer in both] == [1, 1]
    for room in ("a", "b"):
        info, seqs = await _kept(store, room)
        assert info == the(Room, await live.ask(GetRoomRow(room))).info
        assert seqs == [1]


async def test_a_new_room_of_a_lost_partition_is_given_up(live: Service) -> None:
    store = await live.open_store()
    process = await live.sole_owner(rooms=LONG, store=store)
    await store.leases.release(process.leases.partitions, process.name)
    row = send("a", "u1", "one", "c1")
    assert await live.request(process.name, row, budget_s=2) == [Open()]
    assert await live.request(process.name, row, budget_s=2) == [Elsewhere()]
    assert await store.rooms.load("a") is None


async def test_more_than_a_process_can_owe_is_refused(live: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await live.open_store()
    process = await live.sole_owner(rooms=Rooms(window_ms=5, lease_ms=2000, queue_items=3), store=store)
    rows = [send("a", f"u{number}", "hi", "c1") for number in range(5)]
    answers = await live.request(process.name, *rows)
    assert [type(answer) for answer in answers] == [Shown] * 3 + [Refused] * 2
    assert refusal(answers[4]) == "unavailable"


async def _kept(store: Store, room: str) -> tuple[RoomInfo | None, list[int]]:
    """What the store has of a room: its state, and the last seqs of its batches."""
    kept = await store.history.latest(room, 100, 100_000)
    return await store.rooms.load(room), [entry.last.seq for entry in kept.entries]


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


def _busy(loaded: Any) -> bool:
    return loaded is not None and bool(loaded.room.is_busy)
