"""What moderators did is written down with it: once, and not at all where it was not done."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import msgspec
import pytest

from config.settings import Rooms
from config.settings import Store as StoreSettings
from danmaku.change import Configured, Imposed, Lifted, Revoked
from danmaku.memory import MemoryStore
from danmaku.model import START, Act, Appointed, Effect, Position, Role, RoomInfo, RoomSettings, Sanction
from danmaku.store import Store
from danmaku.store.audit import EVERYWHERE
from danmaku.store.history import Append, Appended, Outcome
from danmaku.store.taken import Taken
from danmaku.store.valkey import ValkeyStore
from danmaku.subjects import partition_of
from tests.contract.conftest import until
from tests.contract.test_history import entry

ROOM = "lobby"
LONG = 60_000
BAN = Sanction("ban", "bob", "ann", 100, None, "spam 广告")
ACT = Act("a1", 100, "ann", Role.MODERATOR, "ban", ROOM, "bob", "", "spam 广告", 60)
OF_ALL = msgspec.structs.replace(ACT, room="", role=Role.ADMIN)
INFO = RoomInfo(ROOM, "title", created_ms=5)

InRoom = Callable[[Store, str, int], Awaitable[Any]]


async def append(store: Store, process: str, lease: int) -> Any:
    one = Append(ROOM, lease, START, entry(Position(1, 1)), Effect("save", INFO, (ACT,)), (ACT,))
    [appended] = await store.history.append(process, [one])
    assert isinstance(appended, Appended)
    return appended.outcome is Outcome.OK


async def lift(store: Store, process: str, lease: int) -> Any:
    await store.moderation.impose(process, lease, ROOM, BAN)
    return await store.moderation.lift(process, lease, ROOM, "ban", "bob", 0, [ACT])


async def dismiss(store: Store, process: str, lease: int) -> Any:
    await store.moderators.appoint(process, lease, ROOM, Appointed("bob", "ann", 5))
    return await store.moderators.dismiss(process, lease, ROOM, "bob", [ACT])


async def lift_for_all(store: Store) -> Any:
    await store.changes.impose(Imposed.of(BAN))
    return await store.changes.lift(Lifted("bob", "ban"), 0, [OF_ALL])


IN_ROOM: dict[str, InRoom] = {
    "impose": lambda store, process, lease: store.moderation.impose(process, lease, ROOM, BAN, [ACT]),
    "lift": lift,
    "dismiss": dismiss,
    "save": lambda store, process, lease: store.rooms.save(process, lease, INFO, [ACT]),
    "delete": lambda store, process, lease: store.rooms.delete(process, lease, ROOM, [ACT]),
    "kick": lambda store, process, lease: store.audit.write_down(process, lease, ACT),
    "append": append,
}
FOR_ALL: dict[str, Callable[[Store], Awaitable[Any]]] = {
    "impose": lambda store: store.changes.impose(Imposed.of(BAN), [OF_ALL]),
    "lift": lift_for_all,
    "configure": lambda store: store.changes.configure(Configured(RoomSettings(slow_s=3), "ann"), [OF_ALL]),
    "revoke": lambda store: store.changes.append(Revoked("bob", 5), [OF_ALL]),
}


async def take(store: Store) -> int:
    (taken,) = await store.leases.take([partition_of(ROOM)], "one", LONG)
    return taken.epoch


def acts(*ids: str) -> list[Act]:
    return [msgspec.structs.replace(ACT, id=one) for one in ids]


async def kept(store: Store, room: str = ROOM) -> list[Act]:
    return [one.act for one in await store.audit.before(room, None, 100)]


async def test_nothing_was_done_at_first(store: Store) -> None:
    assert await store.audit.before(ROOM, None, 10) == await store.audit.after(ROOM, "0-0", 10) == []
    assert await store.audit.about(ROOM, "bob") == 0


@pytest.mark.parametrize("verb", IN_ROOM)
async def test_an_act_is_written_down_once_however_often_it_is_repeated(store: Store, verb: str) -> None:
    lease = await take(store)
    for _ in range(3):
        assert await IN_ROOM[verb](store, "one", lease)
    assert await kept(store) == [ACT]
    assert await kept(store, EVERYWHERE) == await kept(store, "other") == []


@pytest.mark.parametrize("verb", IN_ROOM)
async def test_who_lost_the_lease_writes_nothing_down(store: Store, verb: str) -> None:
    lease = await take(store)
    for process, epoch in (("one", lease - 1), ("two", lease)):
        assert not await IN_ROOM[verb](store, process, epoch)
    assert await kept(store) == []


@pytest.mark.parametrize("verb", FOR_ALL)
async def test_so_is_what_is_done_for_all_rooms(store: Store, verb: str) -> None:
    for _ in range(3):
        await FOR_ALL[verb](store)
    assert await kept(store, EVERYWHERE) == [OF_ALL]
    assert await kept(store) == []


async def test_what_was_not_there_is_not_written_down(store: Store) -> None:
    lease = await take(store)
    over = msgspec.structs.replace(Imposed.of(BAN), until_ms=100)
    for now_ms in (0, 100):
        assert await store.moderation.lift("one", lease, ROOM, "ban", "bob", now_ms, [ACT]) is Taken.NOTHING
        assert not await store.changes.lift(Lifted("bob", "ban"), now_ms, [OF_ALL])
        await store.moderation.impose("one", lease, ROOM, over.sanction)
        await store.changes.impose(over)
    assert await store.moderators.dismiss("one", lease, ROOM, "bob", [ACT]) is Taken.NOTHING
    assert await kept(store) == await kept(store, EVERYWHERE) == []


async def test_an_act_is_known_for_a_while(store: Store) -> None:
    lease = await take(store)
    assert not await store.audit.knows(ROOM, ACT.id)
    await store.audit.write_down("one", lease, ACT)
    assert await store.audit.knows(ROOM, ACT.id)
    assert not await store.audit.knows(EVERYWHERE, ACT.id)


async def test_what_was_not_appended_was_not_done(store: Store) -> None:
    lease = await take(store)
    one = Append(ROOM, lease, Position(1, 7), entry(Position(1, 8)), None, (ACT,))
    [appended] = await store.history.append("one", [one])
    assert isinstance(appended, Appended)
    assert (appended.outcome, await kept(store)) == (Outcome.MISMATCH, [])


async def test_a_batch_may_tell_of_many_acts(store: Store) -> None:
    lease = await take(store)
    many = tuple(acts("a", "b", "a", "c"))
    await store.history.append("one", [Append(ROOM, lease, START, entry(Position(1, 1)), None, many)])
    assert await kept(store) == acts("a", "b", "c")
    info = await store.rooms.load(ROOM)
    assert info is None  # acts alone change no state


async def test_a_record_is_read_from_any_place_on(store: Store) -> None:
    lease = await take(store)
    for act in acts("a", "b", "c", "d", "e"):
        assert await store.audit.write_down("one", lease, act)
    newest = await store.audit.before(ROOM, None, 2)
    assert [one.act.id for one in newest] == ["d", "e"]
    older = await store.audit.before(ROOM, newest[0].place, 2)
    assert [one.act.id for one in older] == ["b", "c"]
    assert [one.act.id for one in await store.audit.before(ROOM, older[0].place, 2)] == ["a"]
    assert await store.audit.after(ROOM, older[0].place, 3) == [older[1], *newest]
    assert await store.audit.after(ROOM, older[0].place, 1) == [older[1]]
    assert await store.audit.after(ROOM, newest[1].place, 9) == []
    assert await store.audit.before(ROOM, "0-0", 9) == []
    assert len(await store.audit.before(ROOM, "0-1", 9)) == 0
    latest = "9" * 16 + "-" + "9" * 16
    assert await store.audit.after(ROOM, latest, 9) == []
    assert len(await store.audit.before(ROOM, latest, 9)) == 5
    assert len(await store.audit.after(ROOM, "0-0", 9)) == 5
    assert await store.audit.about(ROOM, "bob") == 5
    assert await store.audit.about(ROOM, "ann") == 0


@asynccontextmanager
async def opened(settings: StoreSettings | None, **limits: int) -> AsyncIterator[Store]:
    rooms = msgspec.convert(limits, Rooms)
    store: Store = (
        MemoryStore(rooms=rooms) if settings is None else await ValkeyStore.connect(settings, rooms)
    )
    try:
        yield store
    finally:
        await store.close()


async def test_a_record_keeps_the_newest(store_settings: StoreSettings | None) -> None:
    async with opened(store_settings, audit_kept=3) as store:
        lease = await take(store)
        for act in acts("a", "b", "c", "d", "e"):
            await store.audit.write_down("one", lease, act)
        assert await kept(store) == acts("c", "d", "e")


async def test_a_record_forgets_what_is_old(store_settings: StoreSettings | None) -> None:
    async with opened(store_settings, audit_s=1) as store:
        lease = await take(store)
        numbers = count()

        async def is_gone() -> bool:
            await store.audit.write_down("one", lease, *acts(f"again {next(numbers)}"))
            return ACT not in await kept(store)

        await store.audit.write_down("one", lease, ACT)
        assert await kept(store) == [ACT]
        await until(is_gone)
        assert await kept(store) != []
        await until(lambda: is_empty(store))  # also where nothing is done any more


async def is_empty(store: Store) -> bool:
    return await kept(store) == []


async def test_a_later_version_may_know_more(store_settings: StoreSettings | None) -> None:
    if store_settings is None:
        pytest.skip("the twin keeps no bytes")
    store = await ValkeyStore.connect(store_settings, Rooms())
    try:
        record = f"{store_settings.prefix}:{{changes}}:audit"
        later = msgspec.msgpack.encode({**msgspec.to_builtins(OF_ALL), "mood": "grim"})
        await store._link.one("XADD", record, "*", "act", later)
        assert await kept(store, EVERYWHERE) == [OF_ALL]
    finally:
        await store.close()
