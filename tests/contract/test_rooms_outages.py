"""Rooms processes when the store fails, answers too late, or gives a partition to somebody else."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from config.settings import Rooms
from danmaku import envelope
from danmaku.bus import BusDown, BusTimeout
from danmaku.envelope import BroadcastRequest, HistoryRequest, RoomsRequest
from danmaku.model import Role, RoomSettings
from danmaku.moderation_rows import SanctionRow
from danmaku.rows import (
    DeleteRoomRow,
    Done,
    Elsewhere,
    GetRoomRow,
    HelloRow,
    LikeRow,
    Open,
    PutRoomRow,
    RefreshRow,
    Refused,
    Room,
    Shown,
)
from danmaku.subjects import PARTITIONS, partition_of
from tests.contract.failing import Fault
from tests.contract.rooms_service import LONG, PATIENCE_MS, QUICK, Service, refusal, send, the
from tests.contract.stores import kept_of
from tests.waiting import until


async def test_a_room_that_cannot_be_loaded_in_time_is_asked_for_again_and_nothing_comes_after(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    load = Fault(store.rooms, "load", monkeypatch, carried_out=True)
    process = await live.sole_owner(rooms=LONG, store=store)
    load.left = 3  # which takes longer than is waited for
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
    before = await kept_of(store, "a")
    await store.leases.release(process.leases.partitions, process.name)
    (answer,) = await live.request(process.name, row)
    assert isinstance(answer, Elsewhere)
    assert partition_of(row.room) not in process.leases.partitions
    assert await kept_of(store, "a") == before, "neither the state nor an item of it"


async def test_changes_of_one_room_at_one_time_do_not_lose_each_other(live: Service) -> None:
    process = await live.sole_owner(rooms=LONG)
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
    info, _ = await kept_of(await live.open_store(), "a")
    assert info == told[-1]
    await until(lambda: len(watching.items) == 7)
    assert watching.kinds == ["c", "settings", "title", "closed", "title", "settings", "opened"]


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
    store, rooms = await live.open_store(), Rooms(window_ms=5, lease_ms=6000)
    process = await live.sole_owner(rooms=rooms, store=store)
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
    await asyncio.sleep(rooms.lease_ms / 1000 * 1.2)
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
    process = await live.sole_owner(store=store)
    the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    the(Done, await live.ask(LikeRow("a", "u1", Role.VIEWER, 3)))
    for noun, verb in (
        (store.history, "append"), (store.leases, "release"), (store.rooms, "add_likes")
    ):  # fmt: skip
        Fault(noun, verb, monkeypatch, carried_out=False).left = 1000
    row = send("a", "u1", "two", "c2")
    asking = asyncio.create_task(live.request(process.name, row, budget_s=0.5, late_s=0))
    await until(lambda: process.is_busy("a"))
    await process.end()
    with suppress(BusTimeout):
        assert await asking == [Open()], "where it took so long that this was still told"


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
    process = await live.sole_owner(rooms=LONG)
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
