"""What is recalled is kept in one step with the batch that tells of it, and as long as the log needs it."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from danmaku import wire
from danmaku.model import Effect, Position, RoomInfo, closed_for_good
from danmaku.recalls import Recalled
from danmaku.store import Store
from danmaku.store.history import Append, Appended, Outcome
from danmaku.store.recalls import Recalling
from tests.contract.room_log import PLENTY, Owner, one
from tests.contract.stores import ROOM

GONE = {"k": "gone"}


def recalling(
    at: Position, recall: wire.Recall | None = None, instead_of: tuple[Position, ...] = ()
) -> Recalling:
    return Recalling(Recalled(at, recall or wire.Recall("moderator", uid="ann")), instead_of)


def said(append: Append, *items: wire.Item) -> Append:
    """The same append with these items in it."""
    old = msgspec.msgpack.decode(append.entry.frame, type=wire.Batch)
    raw = [msgspec.Raw(wire.encode_item(item)) for item in items]
    frame = msgspec.msgpack.encode(msgspec.structs.replace(old, items=raw))
    return replace(append, entry=replace(append.entry, frame=frame))


async def recall(owner: Owner, store: Store, kept: Recalling | None = None) -> Recalled:
    """Append one more batch that recalls something."""
    append = owner.next()
    kept = kept or recalling(append.entry.last)
    assert await one(store, owner.process, replace(append, recalling=kept)) == Appended(
        Outcome.OK, append.entry.last
    )
    owner.head = append.entry.last
    return kept.recalled


def items_of(frames: list[bytes]) -> list[object]:
    return [item for frame in frames for item in msgspec.msgpack.decode(frame)["items"]]


async def test_nothing_is_recalled_at_first(store: Store) -> None:
    assert await store.recalls.load(ROOM) == []
    owner = await Owner.take(store)
    await owner.append(3)
    assert await store.recalls.load(ROOM) == []
    assert (await store.history.latest(ROOM, 9, PLENTY)).recalls == ()


async def test_it_is_kept_with_the_batch_that_tells_of_it(store: Store) -> None:
    owner = await Owner.take(store)
    await owner.append(2)
    first = await recall(owner, store)
    whole = wire.Recall("admin", of=wire.At(owner.epoch, 1))
    second = await recall(owner, store, recalling(Position(owner.epoch, 4), whole))
    assert await store.recalls.load(ROOM) == [first, second]
    assert (await store.history.latest(ROOM, 1, PLENTY)).recalls == (first, second)
    assert (await store.history.after(ROOM, Position(owner.epoch, 3), 1, PLENTY)).recalls == (first, second)


async def test_one_recall_may_stand_for_others(store: Store) -> None:
    owner = await Owner.take(store)
    first, second = [await recall(owner, store) for _ in range(2)]
    third = await recall(owner, store, recalling(Position(owner.epoch, 3), instead_of=(first.at, second.at)))
    assert await store.recalls.load(ROOM) == [third]


async def test_what_is_not_appended_recalls_nothing(store: Store) -> None:
    owner = await Owner.take(store)
    await owner.append()
    append = replace(owner.next(), recalling=recalling(Position(owner.epoch, 2)))
    wrong = replace(append, expected=Position(owner.epoch, 7))
    assert (await one(store, "one", wrong)).outcome is Outcome.MISMATCH
    assert (await one(store, "two", append)).outcome is Outcome.FENCED
    await owner.release()
    assert (await one(store, "one", append)).outcome is Outcome.FENCED
    assert await store.recalls.load(ROOM) == []


async def test_a_repeat_changes_nothing(store: Store) -> None:
    owner = await Owner.take(store)
    append = replace(owner.next(), recalling=recalling(Position(owner.epoch, 1)))
    for _ in range(2):
        assert (await one(store, "one", append)).outcome is Outcome.OK
    assert await store.recalls.load(ROOM) == [
        Recalled(Position(owner.epoch, 1), wire.Recall("moderator", uid="ann"))
    ]


async def test_it_may_come_with_a_change_of_the_room(store: Store) -> None:
    owner = await Owner.take(store)
    info = RoomInfo(ROOM, created_ms=5)
    kept = recalling(Position(owner.epoch, 1))
    append = replace(owner.next(), recalling=kept, effect=Effect("create", info))
    assert (await one(store, "one", append)).outcome is Outcome.OK
    assert await store.recalls.load(ROOM) == [kept.recalled]
    assert await store.rooms.load(ROOM) == info


async def test_it_is_kept_no_longer_than_what_it_recalls(store: Store) -> None:
    """The log of these tests holds 8 batches."""
    owner = await Owner.take(store)
    await owner.append(2)
    append = replace(owner.next(3), recalling=recalling(Position(owner.epoch, 4)))  # in the midst of a batch
    assert (await one(store, "one", append)).outcome is Outcome.OK
    owner.head = append.entry.last
    for _ in range(7):
        await owner.append()
    kept = [Recalled(Position(owner.epoch, 4), wire.Recall("moderator", uid="ann"))]
    assert await store.recalls.load(ROOM) == kept
    await owner.append()
    assert (await store.history.latest(ROOM, 1, PLENTY)).recalls == tuple(kept)
    assert await store.recalls.load(ROOM) == []
    assert (await store.history.latest(ROOM, 1, PLENTY)).recalls == ()


async def test_a_later_epoch_has_left_it_behind(store: Store) -> None:
    first = await Owner.take(store)
    await recall(first, store)
    await first.release()
    second = await Owner.take(store, "two")
    later = await recall(second, store)
    for _ in range(6):
        await second.append()
    assert len(await store.recalls.load(ROOM)) == 2
    await second.append()
    assert await store.recalls.load(ROOM) == [later]


async def test_a_room_that_is_closed_for_good_keeps_what_concerns_its_end(store: Store) -> None:
    owner = await Owner.take(store)
    await recall(owner, store)
    kept = await recall(owner, store)
    assert await store.rooms.delete("one", owner.epoch, ROOM)
    assert (await store.history.latest(ROOM, 9, PLENTY)).recalls == (kept,)
    append = replace(owner.next(), effect=Effect("delete", closed_for_good(ROOM)))
    assert (await one(store, "one", append)).outcome is Outcome.OK
    assert (await store.history.latest(ROOM, 9, PLENTY)).recalls == ()


async def test_the_log_keeps_the_bytes_and_shows_what_is_left(store: Store) -> None:
    owner = await Owner.take(store)
    ann, bob = wire.Comment("ann", "ann", "so bad"), wire.Comment("bob", "bob", "fine")
    begun = said(owner.next(3), ann, bob, ann)
    assert (await one(store, "one", begun)).outcome is Outcome.OK
    owner.head = begun.entry.last
    telling = wire.Recall("moderator", uid="ann")
    kept = recalling(Position(owner.epoch, 5), telling)
    ended = said(owner.next(3), bob, telling, ann)
    assert (await one(store, "one", replace(ended, recalling=kept))).outcome is Outcome.OK
    found = await store.history.latest(ROOM, 9, PLENTY)
    assert found.entries == (begun.entry, ended.entry)
    left = [msgspec.to_builtins(item) for item in (bob, telling, ann)]
    assert items_of(found.frames()) == [GONE, msgspec.to_builtins(bob), GONE, *left]
    assert found.frames()[1] == ended.entry.frame
    assert found.newest() == ended.entry
    assert (await store.history.latest(ROOM, 9, PLENTY, ended.entry.last)).frames() == found.frames()[:1]
