"""Rooms processes when the store fails, answers too late, or gives a partition to somebody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from config.settings import Rooms
from danmaku import envelope
from danmaku.bus import BusDown, BusTimeout
from danmaku.envelope import (
    Admitted,
    BroadcastRequest,
    DeleteRoomRow,
    Done,
    GetRoomRow,
    HelloRow,
    HistoryRequest,
    JoinRow,
    LikeRow,
    Open,
    OutKind,
    PutRoomRow,
    RefreshRow,
    Refused,
    Room,
    RoomsRequest,
    SanctionRow,
    Shown,
    UsersRequest,
)
from danmaku.model import Position, Role
from danmaku.store.errors import StoreDown
from danmaku.store.history import Append, Entry
from danmaku.subjects import PARTITIONS, partition_of
from tests.contract.conftest import until
from tests.contract.rooms_service import QUICK, Service, send, service
from tests.contract.test_rooms_live import servers, the

__all__ = ["servers"]


@pytest.fixture
async def live(servers: Any) -> AsyncIterator[Service]:
    async with service(*servers) as opened:
        yield opened


class Fault:
    """A verb of the store that fails for a while: before it is carried out, or only to say so."""

    def __init__(self, noun: Any, verb: str, monkeypatch: pytest.MonkeyPatch, *, carried_out: bool) -> None:
        self._call: Callable[..., Awaitable[Any]] = getattr(noun, verb)
        self._carried_out = carried_out
        self.left = 0
        self.seen = 0
        monkeypatch.setattr(noun, verb, self)

    async def __call__(self, *words: Any, **more: Any) -> Any:
        self.seen += 1
        if self.left == 0:
            return await self._call(*words, **more)
        self.left -= 1
        if self._carried_out:
            await self._call(*words, **more)
        raise StoreDown("as the test wants it")


@pytest.mark.parametrize("carried_out", [False, True])
async def test_an_append_of_unknown_outcome_is_repeated_until_it_is_known(
    live: Service, monkeypatch: pytest.MonkeyPatch, carried_out: bool
) -> None:
    store = await live.open_store()
    append = Fault(store.history, "append", monkeypatch, carried_out=carried_out)
    process = await live.start(store=store)
    await live.owned(process)
    watching = await live.watch("a")
    the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    append.left = 3
    name = process.process.name
    first = asyncio.create_task(live.request(name, send("a", "u1", "two", "c2"), budget_s=10))
    await until(lambda: _true(append.seen >= 2))
    both = await live.request(name, send("a", "u1", "two", "c2"), send("a", "u1", "three", "c3"), budget_s=10)
    assert (await first)[0] == both[0]
    assert [the(Shown, answer).seq for answer in both] == [2, 3]
    await until(lambda: _true(len(watching.items) == 3))
    assert [item["text"] for _, item in watching.items] == ["one", "two", "three"]
    kept = await store.history.latest("a", 100, 100_000)
    assert [entry.last.seq for entry in kept.entries] == [1, 2, 3]
    assert process.process.rooms.space.left == process.process.rooms.space.most


async def test_an_outcome_that_is_open_is_told_and_silences_no_other_row(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    append = Fault(store.history, "append", monkeypatch, carried_out=True)
    process = await live.start(store=store)
    await live.owned(process)
    the(Admitted, await live.ask(JoinRow("a", "u1", Role.VIEWER)))
    append.left = 1000
    name = process.process.name
    rows = send("a", "u1", "one", "c1"), LikeRow("a", "u2", Role.VIEWER, 3)
    assert await live.request(name, *rows, budget_s=2) == [Open(), Done()]
    append.left = 0
    the(Shown, (await live.request(name, send("a", "u1", "one", "c1"), budget_s=5))[0])


async def test_a_room_that_cannot_be_loaded_is_refused_in_time_and_nothing_comes_after(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    load = Fault(store.rooms, "load", monkeypatch, carried_out=True)
    process = await live.start(store=store)
    await live.owned(process)
    load.left = 2
    name = process.process.name
    answers = await live.request(name, send("a", "u1", "one", "c1"), budget_s=0.2)
    assert the(Refused, answers[0]).name == "unavailable"
    the(Shown, (await live.request(name, send("a", "u1", "two", "c2"), budget_s=5))[0])
    kept = await store.history.latest("a", 100, 100_000)
    assert len(kept.entries) == 1
    load.left = 1000
    answers = await live.request(name, GetRoomRow("b"), budget_s=10)
    assert the(Refused, answers[0]).name == "unavailable"


async def test_a_partition_that_somebody_else_took_is_given_up_unanswered(live: Service) -> None:
    store = await live.open_store()
    process = await live.start(rooms=Rooms(window_ms=5, lease_ms=60_000), store=store)
    await live.owned(process)
    the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    partition = partition_of("a")
    await store.leases.release(process.process.leases.partitions, process.process.name)
    await store.leases.take([partition], "somebody", 60_000)
    assert await live.request(process.process.name, send("a", "u1", "two", "c2"), budget_s=2) == [Open()]
    assert process.process.rooms.get("a") is None
    assert partition not in process.process.leases.partitions
    assert process.metric("danmaku_rooms_lease_changes_total", change="lost") == 1
    assert process.process.rooms.space.left == process.process.rooms.space.most
    assert (await store.history.head("a")).seq == 1


@pytest.mark.parametrize(
    "row",
    [
        PutRoomRow("a", "boss", Role.STREAMER, title="x"),
        DeleteRoomRow("a", "boss", Role.STREAMER),
        SanctionRow("a", "mute", "u1", "mod", Role.MODERATOR),
        SanctionRow("a", "unmute", "u1", "mod", Role.MODERATOR),
    ],
    ids=lambda row: f"{row.room} {getattr(row, 'verb', type(row).__name__)}",
)
async def test_a_change_for_a_lost_partition_is_sent_elsewhere(live: Service, row: Any) -> None:
    store = await live.open_store()
    process = await live.start(rooms=Rooms(window_ms=5, lease_ms=60_000), store=store)
    await live.owned(process)
    the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    await store.leases.release(process.process.leases.partitions, process.process.name)
    (answer,) = await live.request(process.process.name, row)
    assert isinstance(answer, envelope.Elsewhere)
    assert partition_of(row.room) not in process.process.leases.partitions


async def test_a_log_that_went_back_is_continued_in_a_new_epoch(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    process = await live.start(store=store)
    await live.owned(process)
    watching = await live.watch("a")
    first = the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    other = Position(first.epoch, 9)
    lease = process.process.leases.partitions[partition_of("a")]
    entry = Entry(other, 1, first.at, b"\x80")
    (appended,) = await store.history.append(
        process.process.name, [Append("a", lease, Position(first.epoch, first.seq), entry)]
    )
    assert not isinstance(appended, Exception)
    assert await live.request(process.process.name, send("a", "u1", "two", "c2"), budget_s=2) == [Open()]
    second = the(Shown, await live.ask(send("a", "u1", "two", "c2")))
    assert second.epoch > first.epoch
    assert second.seq == 1
    await until(lambda: _true([out.first for out in watching.outs][-1] == (second.epoch, 1)))
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
        )
    }
    process = await live.start(store=store)
    await live.owned(process)
    watching = await live.watch("a")
    the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    for fault in faults.values():
        fault.left = 2
    assert the(Room, await live.ask(PutRoomRow("a", "boss", Role.ADMIN, title="x"))).info.title == "x"
    for verb in ("mute", "unmute"):
        the(Done, await live.ask(SanctionRow("a", verb, "u1", "mod", Role.MODERATOR)))
    the(Done, await live.ask(DeleteRoomRow("a", "boss", Role.ADMIN)))
    assert all(fault.left == 0 for fault in faults.values())
    await until(lambda: _true(len(watching.items) == 2))
    assert [notice["kind"] for notice in watching.frames(OutKind.NOTICE)] == ["muted", "unmuted"]


async def test_leases_that_cannot_be_renewed_run_out_and_come_back(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    renew = Fault(store.leases, "renew", monkeypatch, carried_out=False)
    process = await live.start(store=store)
    await live.owned(process)
    first = the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    renew.left = 1000
    await until(lambda: _true(process.process.rooms.get("a") is None))
    renew.left = 0
    second = the(Shown, await live.ask(send("a", "u1", "two", "c2")))
    assert second.epoch > first.epoch


async def test_a_store_call_that_hangs_does_not_cost_the_leases(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    process = await live.start(store=store)
    await live.owned(process)
    held = process.process.leases.partitions
    enlist, left = store.leases.enlist, 1

    async def hanging(*words: Any) -> list[str]:
        nonlocal left
        if left:
            left -= 1
            await asyncio.sleep(60)
        return await enlist(*words)

    monkeypatch.setattr(store.leases, "enlist", hanging)
    await until(lambda: _true(left == 0))
    await asyncio.sleep(QUICK.lease_ms / 1000 * 1.5)
    assert process.process.leases.partitions == held
    assert process.metric("danmaku_rooms_lease_changes_total", change="lost") == 0


async def test_a_process_that_is_cut_off_from_the_bus_lets_others_have_its_rooms(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    first = await live.start(store=store)
    await live.owned(first)
    bus_is_there = True
    monkeypatch.setattr(first.process.leases, "_connected", lambda: bus_is_there)
    bus_is_there = False
    second = await live.start(store=store)
    await until(lambda: _true(len(second.process.leases.partitions) == PARTITIONS))
    assert first.process.leases.partitions == {}
    assert await store.leases.enlist(second.process.name, QUICK.lease_ms) == [second.process.name]
    bus_is_there = True
    await live.owned(first, second)


async def test_a_stop_while_the_store_is_away_ends_all_the_same(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    process = await live.start(store=store)
    await live.owned(process)
    the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    the(Done, await live.ask(LikeRow("a", "u1", Role.VIEWER, 3)))
    for noun, verb in (
        (store.history, "append"), (store.leases, "release"), (store.rooms, "add_likes")
    ):  # fmt: skip
        Fault(noun, verb, monkeypatch, carried_out=False).left = 1000
    row = send("a", "u1", "two", "c2")
    asking = asyncio.create_task(live.request(process.process.name, row, budget_s=0.5))
    await until(lambda: _busy(process.process.rooms.get("a")))
    await process.end()
    with pytest.raises(BusTimeout):
        await asking


async def test_whoever_cannot_be_answered_is_told_so_at_once(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    process = await live.start(store=store)
    await live.owned(process)
    reads = [
        (store.history, "latest"),
        (store.tokens, "revoked_ms"),
        (store.tokens, "spend"),
        (store.rooms, "in_partition"),
    ]
    faults = {verb: Fault(noun, verb, monkeypatch, carried_out=False) for noun, verb in reads}
    for fault in faults.values():
        fault.left = 1000

    async def ask(subject: str, request: Any) -> bytes:
        return await live.bus.request(subject, envelope.encode(request), 5)

    assert await ask(live.subjects.history, HistoryRequest("a", 10, 5000)) == b""
    assert await ask(live.subjects.owner(process.process.name), RoomsRequest(5000, 10)) == b""
    broadcast = BroadcastRequest(5000, "root", "b1", b"\x80")
    assert await ask(live.subjects.owner(process.process.name), broadcast) == b""
    rows: list[Any] = [HelloRow("u1", 1), RefreshRow("u1", "f", 1, 1)]
    reply = envelope.decode_users_reply(await ask(live.subjects.users, UsersRequest(5000, rows)))
    assert [the(Refused, answer).name for answer in _answers(reply)] == ["unavailable"] * 2
    faults["revoked_ms"].left = 0
    reply = envelope.decode_users_reply(await ask(live.subjects.users, UsersRequest(5000, rows)))
    assert [type(answer) for answer in reply.answers] == [Done, Refused]


async def test_a_message_that_finds_no_bus_is_asked_for_again(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = await live.start()
    await live.owned(process)
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
        await live.request(process.process.name, row, budget_s=0.3)
    assert the(Shown, (await live.request(process.process.name, row))[0]).seq == 1


async def test_likes_survive_an_outage(live: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await live.open_store()
    likes = Fault(store.rooms, "add_likes", monkeypatch, carried_out=False)
    process = await live.start(store=store)
    await live.owned(process)
    the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    likes.left = 1
    the(Done, await live.ask(LikeRow("a", "u1", Role.VIEWER, 3)))
    await until(lambda: _true(likes.left == 0))
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

    process = await live.start(rooms=Rooms(window_ms=5, lease_ms=60_000), store=store)
    await live.owned(process)
    the(Shown, await live.ask(send("a", "u1", "one", "c1")))
    monkeypatch.setattr(store.rooms, "add_likes", slow)
    the(Done, await live.ask(LikeRow("a", "u1", Role.VIEWER, 7)))
    await asyncio.wait_for(adding.wait(), 10)
    ending = asyncio.create_task(process.end())
    await until(lambda: _true(not process.process.rooms.serves(partition_of("a"))))
    go_on.set()
    await ending
    kept = await store.rooms.load("a")
    assert kept is not None
    assert kept.likes == 7


@pytest.mark.parametrize("carried_out", [False, True])
async def test_the_first_item_of_a_room_waits_until_the_room_is_saved(
    live: Service, monkeypatch: pytest.MonkeyPatch, carried_out: bool
) -> None:
    store = await live.open_store()
    create = Fault(store.rooms, "create", monkeypatch, carried_out=carried_out)
    process = await live.start(store=store)
    await live.owned(process)
    create.left = 2
    both = await live.request(
        process.process.name, send("a", "u1", "one", "c1"), send("b", "u1", "one", "c1"), budget_s=10
    )
    assert [the(Shown, answer).seq for answer in both] == [1, 1]
    assert all([await store.rooms.load(room) for room in ("a", "b")])


async def test_a_new_room_of_a_lost_partition_is_given_up(live: Service) -> None:
    store = await live.open_store()
    process = await live.start(rooms=Rooms(window_ms=5, lease_ms=60_000), store=store)
    await live.owned(process)
    await store.leases.release(process.process.leases.partitions, process.process.name)
    row = send("a", "u1", "one", "c1")
    assert await live.request(process.process.name, row, budget_s=2) == [Open()]
    assert await live.request(process.process.name, row, budget_s=2) == [envelope.Elsewhere()]
    assert await store.rooms.load("a") is None


async def test_more_than_a_process_can_owe_is_refused(live: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await live.open_store()
    process = await live.start(rooms=Rooms(window_ms=5, lease_ms=600, queue_items=3), store=store)
    await live.owned(process)
    rows = [send("a", f"u{number}", "hi", "c1") for number in range(5)]
    answers = await live.request(process.process.name, *rows)
    assert [type(answer) for answer in answers] == [Shown] * 3 + [Refused] * 2
    assert the(Refused, answers[4]).name == "unavailable"


def _answers(reply: envelope.UsersReply) -> list[envelope.Answer]:
    return [answer for answer in reply.answers if not isinstance(answer, envelope.Refreshed)]


async def _true(truth: bool) -> bool:
    return truth


async def _busy(loaded: Any) -> bool:
    return loaded is not None and bool(loaded.room.is_busy)
