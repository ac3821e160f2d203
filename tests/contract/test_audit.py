"""What moderators did is written down with it: once, and not at all where it was not done."""

from __future__ import annotations

from itertools import count
from secrets import token_hex

import msgspec
import pytest

from config.settings import Store as StoreSettings
from danmaku.change import Imposed, Lifted
from danmaku.model import START, Act, Position
from danmaku.store import Store
from danmaku.store.audit import EVERYWHERE
from danmaku.store.history import Append, Appended, Outcome
from danmaku.store.taken import Taken
from danmaku.store.valkey import ValkeyStore
from tests.contract.audited import ACT, BAN, FOR_ALL, IN_ROOM, OF_ALL
from tests.contract.room_log import entry
from tests.contract.stores import ROOM, acts, opened, take
from tests.waiting import until


def acts_of(*ids: str) -> list[Act]:
    return [msgspec.structs.replace(ACT, id=one) for one in ids]


async def test_nothing_was_done_at_first(store: Store) -> None:
    assert await store.audit.before(ROOM, None, 10) == await store.audit.after(ROOM, "0-0", 10) == []
    assert await store.audit.about(ROOM, "bob") == 0


@pytest.mark.parametrize("verb", IN_ROOM)
async def test_an_act_is_written_down_once_however_often_it_is_repeated(store: Store, verb: str) -> None:
    lease = await take(store)
    for _ in range(3):
        assert await IN_ROOM[verb](store, "one", lease)
    assert await acts(store) == [ACT]
    assert await acts(store, EVERYWHERE) == await acts(store, "other") == []


@pytest.mark.parametrize("verb", IN_ROOM)
async def test_who_lost_the_lease_writes_nothing_down(store: Store, verb: str) -> None:
    lease = await take(store)
    for process, epoch in (("one", lease - 1), ("two", lease)):
        assert not await IN_ROOM[verb](store, process, epoch)
    assert await acts(store) == []


@pytest.mark.parametrize("verb", FOR_ALL)
async def test_so_is_what_is_done_for_all_rooms(store: Store, verb: str) -> None:
    for _ in range(3):
        await FOR_ALL[verb](store)
    assert await acts(store, EVERYWHERE) == [OF_ALL]
    assert await acts(store) == []


async def test_what_was_not_there_is_not_written_down(store: Store) -> None:
    lease = await take(store)
    over = msgspec.structs.replace(Imposed.of(BAN), until_ms=100)
    for now_ms in (0, 100):
        assert await store.moderation.lift("one", lease, ROOM, "ban", "bob", now_ms, [ACT]) is Taken.NOTHING
        assert not await store.changes.lift(Lifted("bob", "ban"), now_ms, [OF_ALL])
        await store.moderation.impose("one", lease, ROOM, over.sanction)
        await store.changes.impose(over)
    assert await store.moderators.dismiss("one", lease, ROOM, "bob", [ACT]) is Taken.NOTHING
    assert await acts(store) == await acts(store, EVERYWHERE) == []


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
    assert (appended.outcome, await acts(store)) == (Outcome.MISMATCH, [])


async def test_a_batch_may_tell_of_many_acts(store: Store) -> None:
    lease = await take(store)
    many = tuple(acts_of("a", "b", "a", "c"))
    await store.history.append("one", [Append(ROOM, lease, START, entry(Position(1, 1)), None, many)])
    assert await acts(store) == acts_of("a", "b", "c")
    info = await store.rooms.load(ROOM)
    assert info is None  # acts alone change no state


async def test_a_record_is_read_from_any_place_on(store: Store) -> None:
    lease = await take(store)
    for act in acts_of("a", "b", "c", "d", "e"):
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


async def test_a_record_keeps_the_newest(store_settings: StoreSettings | None) -> None:
    async with opened(store_settings, audit_kept=3) as store:
        lease = await take(store)
        for act in acts_of("a", "b", "c", "d", "e"):
            await store.audit.write_down("one", lease, act)
        assert await acts(store) == acts_of("c", "d", "e")


async def test_a_record_forgets_what_is_old(store_settings: StoreSettings | None) -> None:
    async with opened(store_settings, audit_s=1) as store:
        lease = await take(store)
        numbers = count()

        async def is_gone() -> bool:
            await store.audit.write_down("one", lease, *acts_of(f"again {next(numbers)}"))
            return ACT not in await acts(store)

        await store.audit.write_down("one", lease, ACT)
        assert await acts(store) == [ACT]
        await until(is_gone)
        assert await acts(store) != []
        await until(lambda: is_empty(store))  # also where nothing is done any more


async def is_empty(store: Store) -> bool:
    return await acts(store) == []


async def test_a_later_version_may_know_more(store_url: str) -> None:
    settings = StoreSettings(url=store_url, prefix=f"t{token_hex(4)}")
    async with opened(settings) as store:
        assert isinstance(store, ValkeyStore)
        record = f"{settings.prefix}:{{changes}}:audit"
        later = msgspec.msgpack.encode({**msgspec.to_builtins(OF_ALL), "mood": "grim"})
        await store._link.one("XADD", record, "*", "act", later)
        assert await acts(store, EVERYWHERE) == [OF_ALL]
