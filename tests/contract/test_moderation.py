"""Who is muted or banned."""

from __future__ import annotations

from danmaku.store import Store
from danmaku.store.moderation import Sanction
from danmaku.store.taken import Taken
from tests.contract.stores import ROOM, take

BAN = Sanction("ban", "ann", "mod", 100, None, "spam 广告")
MUTE = Sanction("mute", "ann", "mod", 100, 500)


async def test_nobody_is_under_a_sanction_at_first(store: Store) -> None:
    assert await store.moderation.load(ROOM, 0) == []


async def test_sanctions_are_kept_by_kind_and_user(store: Store) -> None:
    lease = await take(store)
    other = Sanction("mute", "bob", "mod", 100, 900)
    for sanction in (other, MUTE, BAN):
        assert await store.moderation.impose("one", lease, ROOM, sanction)
    assert await store.moderation.load(ROOM, 200) == [BAN, MUTE, other]
    longer = Sanction("mute", "ann", "mod2", 150, 5000)
    assert await store.moderation.impose("one", lease, ROOM, longer)
    assert await store.moderation.load(ROOM, 200) == [BAN, longer, other]


async def test_lifting_takes_one_away(store: Store) -> None:
    lease = await take(store)
    await store.moderation.impose("one", lease, ROOM, BAN)
    await store.moderation.impose("one", lease, ROOM, MUTE)
    assert await store.moderation.lift("one", lease, ROOM, "ban", "ann", 200) is Taken.TAKEN
    assert await store.moderation.load(ROOM, 200) == [MUTE]
    assert await store.moderation.lift("one", lease, ROOM, "ban", "ann", 200) is Taken.NOTHING


async def test_what_has_run_out_is_gone(store: Store) -> None:
    lease = await take(store)
    await store.moderation.impose("one", lease, ROOM, BAN)
    await store.moderation.impose("one", lease, ROOM, MUTE)
    assert await store.moderation.load(ROOM, 500) == [BAN]
    assert await store.moderation.load(ROOM, 200) == [BAN]  # removed, not only left out


async def test_who_lost_the_lease_changes_nothing(store: Store) -> None:
    lease = await take(store)
    await store.moderation.impose("one", lease, ROOM, BAN)
    for process, epoch in (("one", lease - 1), ("two", lease)):
        assert not await store.moderation.impose(process, epoch, ROOM, MUTE)
        assert await store.moderation.lift(process, epoch, ROOM, "ban", "ann", 200) is Taken.LOST
    assert await store.moderation.load(ROOM, 200) == [BAN]
