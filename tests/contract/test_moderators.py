"""Who was appointed moderator."""

from __future__ import annotations

from danmaku.model import Act, Appointed, Role
from danmaku.store import Store
from danmaku.store.taken import Taken
from tests.contract.stores import ROOM, acts, take

MOD, OTHER = Appointed("mod", "ann", 5), Appointed("a", "ann", 6)
ACT = Act("a1", 100, "ann", Role.STREAMER, "appoint", ROOM, "mod")


async def test_they_are_kept_by_uid(store: Store) -> None:
    assert await store.moderators.load(ROOM) == []
    lease = await take(store)
    for one in (MOD, OTHER):
        assert await store.moderators.appoint("one", lease, ROOM, one, [ACT])
    assert await store.moderators.load(ROOM) == [OTHER, MOD]
    assert await store.moderators.load("other") == []
    again = Appointed("mod", "bob", 7)
    assert await store.moderators.appoint("one", lease, ROOM, again, [ACT])
    assert await store.moderators.load(ROOM) == [OTHER, again]
    for taken in (Taken.TAKEN, Taken.NOTHING):
        assert await store.moderators.dismiss("one", lease, ROOM, "mod", [ACT]) is taken
    assert await store.moderators.load(ROOM) == [OTHER]
    assert await acts(store) == [ACT]


async def test_who_lost_the_lease_changes_nothing(store: Store) -> None:
    lease = await take(store)
    await store.moderators.appoint("one", lease, ROOM, MOD)
    for process, epoch in (("one", lease - 1), ("two", lease)):
        assert not await store.moderators.appoint(process, epoch, ROOM, OTHER, [ACT])
        assert await store.moderators.dismiss(process, epoch, ROOM, "mod", [ACT]) is Taken.LOST
    assert await store.moderators.load(ROOM) == [MOD]
    assert await acts(store) == []
