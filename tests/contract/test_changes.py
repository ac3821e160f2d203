"""The changes log and the sanctions across rooms."""

from __future__ import annotations

import asyncio
from secrets import token_hex

import pytest

from config.settings import Store as StoreSettings
from danmaku import change
from danmaku.change import Configured, Imposed, Lifted, Revoked
from danmaku.model import RoomSettings, Sanction
from danmaku.store import Store
from danmaku.store.changes import BEGINNING
from danmaku.store.valkey import ValkeyStore
from tests.contract.stores import opened
from tests.waiting import until

BAN = Imposed("ann", "ban", "root", 100, None, "spam 广告")
MUTE = Imposed("ann", "mute", "root", 100, 500)
LARGE = 100_000


async def place(store: Store) -> str:
    return (await store.changes.after(None, 1, 1)).last


async def read(store: Store, since: str, entries: int = 100, max_bytes: int = LARGE) -> list[object]:
    return [
        change.decode(one.entry) for one in (await store.changes.after(since, entries, max_bytes)).entries
    ]


async def kept(store: Store, now_ms: int = 200) -> list[Sanction]:
    in_force = (await store.changes.in_force(now_ms)).sanctions
    return sorted(in_force, key=lambda one: (one.uid, one.kind))


async def test_a_log_without_changes_ends_at_its_beginning(store: Store) -> None:
    news = await store.changes.after(BEGINNING, 10, LARGE)
    assert (news.entries, news.last, news.complete, news.more) == ((), BEGINNING, True, False)
    assert await place(store) == BEGINNING
    assert await kept(store) == []


async def test_changes_come_in_their_order(store: Store) -> None:
    begin = await place(store)
    await store.changes.append(Revoked("bob", 5))
    assert await store.changes.impose(BAN)
    assert await store.changes.impose(MUTE)
    await store.changes.lift(Lifted("ann", "ban"), 0)
    news = await store.changes.after(begin, 10, LARGE)
    assert [change.decode(one.entry) for one in news.entries] == [
        Revoked("bob", 5), BAN, MUTE, Lifted("ann", "ban"),
    ]  # fmt: skip
    assert (news.complete, news.more) == (True, False)
    assert news.last == await place(store)
    assert all(one.at_ms > 1_600_000_000_000 for one in news.entries)
    assert await read(store, news.last) == []
    assert await kept(store) == [MUTE.sanction]


async def test_pages_of_so_many_entries_and_bytes(store: Store) -> None:
    begin = await place(store)
    for number in range(5):
        await store.changes.append(Revoked(f"u{number}", number))
    pages, at = [], begin
    while True:
        news = await store.changes.after(at, 2, LARGE)
        assert news.complete
        pages.append(len(news.entries))
        at = news.last
        if not news.more:
            break
    assert pages == [2, 2, 1]
    assert len(await read(store, begin, max_bytes=1)) == 1, "one at least"
    size = len(change.encode(Revoked("u0", 0)))
    assert len(await read(store, begin, max_bytes=2 * size)) == 2


async def test_a_sanction_replaces_one_of_its_kind(store: Store) -> None:
    longer = Imposed("ann", "mute", "eve", 150, 5000)
    for imposed in (BAN, MUTE, longer, Imposed("bob", "mute", "root", 100, 900)):
        assert await store.changes.impose(imposed)
    assert [(one.uid, one.kind, one.until_ms) for one in await kept(store)] == [
        ("ann", "ban", None), ("ann", "mute", 5000), ("bob", "mute", 900),
    ]  # fmt: skip


async def test_what_is_written_again_stays_the_same(store: Store) -> None:
    begin = await place(store)
    assert await store.changes.impose(BAN)
    assert await store.changes.impose(BAN)
    assert await kept(store) == [BAN.sanction]
    await store.changes.lift(Lifted("ann", "ban"), 0)
    await store.changes.lift(Lifted("ann", "ban"), 0)
    await store.changes.lift(Lifted("bob", "mute"), 0)
    assert await kept(store) == []
    assert await read(store, begin) == [BAN, BAN, Lifted("ann", "ban")], "what was not there is not told"


async def test_what_has_run_out_is_gone(store: Store) -> None:
    for imposed in (BAN, MUTE):
        await store.changes.impose(imposed)
    assert await kept(store, 499) == [BAN.sanction, MUTE.sanction]
    assert await kept(store, 500) == [BAN.sanction]
    assert await kept(store, 200) == [BAN.sanction], "removed, not only left out"


async def test_there_may_not_be_too_many(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("danmaku.memory.changes", "danmaku.store.valkey.changes"):
        monkeypatch.setattr(f"{module}.MOST_SANCTIONS", 2)
    assert await store.changes.impose(BAN)
    assert await store.changes.impose(MUTE)
    assert await store.changes.impose(BAN), "one that is there may be replaced"
    begin = await place(store)
    other = Imposed("bob", "ban", "root", 100)
    assert not await store.changes.impose(other)
    assert await read(store, begin) == []
    await store.changes.in_force(500)
    assert await store.changes.impose(other)


async def test_many_sanctions_are_read_whole(store: Store) -> None:
    for begin in range(0, 2500, 100):
        await asyncio.gather(
            *(
                store.changes.impose(Imposed(f"u{number}", "ban", "root", 1))
                for number in range(begin, begin + 100)
            )
        )
    assert {one.uid for one in await kept(store)} == {f"u{number}" for number in range(2500)}


async def test_a_reader_who_was_away_for_too_long_knows(store_settings: StoreSettings | None) -> None:
    async with opened(store_settings, changes_kept=3) as store:
        await store.changes.append(Revoked("u0", 0))
        places = [await place(store)]
        for number in range(1, 6):
            await store.changes.append(Revoked(f"u{number}", number))
            places.append(await place(store))
        for number, at in enumerate(places):
            news = await store.changes.after(at, 10, LARGE)
            assert news.complete is (number >= 2), number
            assert news.last == places[-1]
        assert await read(store, places[0]) == [Revoked(f"u{number}", number) for number in (3, 4, 5)]
        assert not (await store.changes.after(BEGINNING, 10, LARGE)).complete


async def test_old_entries_go_but_never_the_newest(store_settings: StoreSettings | None) -> None:
    async with opened(store_settings, changes_s=1) as store:
        begin = await place(store)
        await store.changes.append(Revoked("old", 1))
        assert await read(store, begin) == [Revoked("old", 1)]

        async def is_gone() -> bool:
            await store.changes.append(Revoked("new", 2))
            found = await read(store, begin, 1000)
            assert found
            return Revoked("old", 1) not in found

        await until(is_gone)
        assert not (await store.changes.after(begin, 1000, LARGE)).complete


async def test_a_reader_of_what_the_store_lost_knows(store: Store) -> None:
    """It was told of entries that are not there any more: whoever is further than the log begins anew."""
    await store.changes.append(Revoked("u1", 1))
    at = await place(store)
    milliseconds, _, number = at.partition("-")
    ahead = f"{milliseconds}-{int(number) + 7}"
    news = await store.changes.after(ahead, 10, LARGE)
    assert (news.entries, news.last, news.complete) == ((), at, False)
    await asyncio.sleep(0.002)  # so that the next one's id is behind it
    await store.changes.append(Revoked("u2", 2))
    news = await store.changes.after(ahead, 10, LARGE)
    assert ([change.decode(one.entry) for one in news.entries], news.complete) == ([Revoked("u2", 2)], False)


async def test_what_is_read_while_it_changes_is_right_in_the_end(store: Store) -> None:
    """Whoever reads the sanctions and then follows from the place that came with them has them all."""
    for number in range(300):
        await store.changes.impose(Imposed(f"u{number}", "ban", "root", 1))

    async def change_them() -> None:
        for number in range(0, 300, 3):
            await store.changes.lift(Lifted(f"u{number}", "ban"), 0)
            await store.changes.impose(Imposed(f"v{number}", "ban", "root", 1))

    changing = asyncio.create_task(change_them())
    await asyncio.sleep(0)
    found = await store.changes.in_force(1)
    await changing
    banned = {one.uid for one in found.sanctions}
    for one in await read(store, found.last, 1000):
        assert isinstance(one, Imposed | Lifted)
        if isinstance(one, Imposed):
            banned.add(one.uid)
        else:
            banned.discard(one.uid)
    assert banned == {one.uid for one in await kept(store)}


async def test_deployments_do_not_see_each_other(store_url: str) -> None:
    prefixes = [StoreSettings(url=store_url, prefix=f"t{token_hex(4)}") for _ in range(2)]
    async with opened(prefixes[0]) as one, opened(prefixes[1]) as two:
        await one.changes.impose(BAN)
        assert await kept(two) == []
        assert await place(two) == BEGINNING


async def test_settings_replace_those_before(store: Store) -> None:
    begin = await place(store)
    assert (await store.changes.in_force(1)).settings == RoomSettings()
    slow = Configured(RoomSettings(slow_s=5), "root")
    staff = Configured(RoomSettings(staff_only=True, guests_may_send=False), "eve")
    for one in (slow, staff, staff):
        await store.changes.configure(one)
        assert (await store.changes.in_force(1)).settings == one.settings
    assert await read(store, begin) == [slow, staff, staff]
    await store.changes.impose(BAN)
    found = await store.changes.in_force(1)
    assert (found.sanctions, found.settings) == ([BAN.sanction], staff.settings)


async def test_settings_of_a_later_version_are_read_as_far_as_they_are_known(store_url: str) -> None:
    async with opened(StoreSettings(url=store_url, prefix=f"t{token_hex(4)}")) as store:
        assert isinstance(store, ValkeyStore)
        kept = b'{"slow_s": 3, "colour_of_the_sky": "blue"}'
        await store.changes._link.one("SET", store.changes._settings, kept)
        assert (await store.changes.in_force(1)).settings == RoomSettings(slow_s=3)
