"""Comments that wait for a moderator."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from danmaku.held import Held
from danmaku.model import START, Act, Effect, Position, Role, RoomInfo, closed_for_good
from danmaku.store import Store
from danmaku.store.history import Append, Entry, Outcome
from tests.contract.stores import ROOM, take

ONE = Held("5-1", "ann", "c1", 100, b"\x80", "link")
TWO = Held("5-2", "bob", "c1", 101, b"\x81", "words 词")
TEN = Held("5-10", "cat", "c1", 102, b"\x82", "review")
APPROVED = Held("5-1", "ann", "c1", 100, decision="approve", by="mod", decided_ms=200, act="a1")
ACT = Act("a1", 200, "mod", Role.MODERATOR, "approve", ROOM, "ann")


async def test_a_room_holds_nothing_at_first(store: Store) -> None:
    assert await store.held.load(ROOM) == []


async def test_they_are_kept_in_order_until_they_go(store: Store) -> None:
    lease = await take(store)
    assert await store.held.change("one", lease, ROOM, [TEN, ONE])
    assert await store.held.change("one", lease, ROOM, [TWO])
    assert await store.held.load(ROOM) == [ONE, TWO, TEN]
    assert await store.held.load("other") == []
    denied = msgspec.structs.replace(TWO, item=b"", decision="deny")
    assert await store.held.change("one", lease, ROOM, [denied], ["5-10", "4-1"], [ACT])
    assert await store.held.load(ROOM) == [ONE, denied]
    assert [one.act for one in await store.audit.after(ROOM, "0-0", 10)] == [ACT]


async def test_what_an_append_shows_is_decided_with_it_once(store: Store) -> None:
    lease = await take(store)
    await store.held.change("one", lease, ROOM, [ONE])
    entry = Entry(Position(lease, 1), 1, 200, b"frame", (("ann", "c1", 1),))
    append = Append(ROOM, lease, START, entry, acts=(ACT,), decided=APPROVED)
    for process in ("two", "one", "one"):
        (answer,) = await store.history.append(process, [append])
        assert not isinstance(answer, Exception)
        is_held = process == "two"
        assert answer.outcome is (Outcome.FENCED if is_held else Outcome.OK)
        assert await store.held.load(ROOM) == [ONE if is_held else APPROVED]
    assert [one.act for one in await store.audit.after(ROOM, "0-0", 10)] == [ACT]
    later = replace(append, entry=replace(entry, last=Position(lease, 2)), decided=TWO)
    (answer,) = await store.history.append("one", [later])
    assert not isinstance(answer, Exception)
    assert answer.outcome is Outcome.MISMATCH
    assert await store.held.load(ROOM) == [APPROVED]


async def test_a_room_that_is_deleted_has_none(store: Store) -> None:
    lease = await take(store)
    await store.rooms.create("one", lease, RoomInfo(ROOM, created_ms=1))
    await store.held.change("one", lease, ROOM, [ONE])
    assert await store.rooms.delete("one", lease, ROOM)
    assert await store.held.load(ROOM) == []
    await store.held.change("one", lease, ROOM, [TWO])
    entry = Entry(Position(lease, 1), 1, 200, b"frame")
    effect = Effect("delete", closed_for_good(ROOM))
    await store.history.append("one", [Append(ROOM, lease, START, entry, effect)])
    assert await store.held.load(ROOM) == []


async def test_who_lost_the_lease_changes_nothing(store: Store) -> None:
    lease = await take(store)
    await store.held.change("one", lease, ROOM, [ONE])
    for process, epoch in (("one", lease - 1), ("two", lease)):
        assert not await store.held.change(process, epoch, ROOM, [TWO], ["5-1"], [ACT])
    assert await store.held.load(ROOM) == [ONE]
    assert await store.audit.after(ROOM, "0-0", 10) == []
