"""The log of a room: appended under the fence, trimmed, read back across epochs."""

from __future__ import annotations

import asyncio
import time

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from config.settings import Store as StoreSettings
from danmaku.model import START, Effect, Position, RoomInfo, closed_for_good
from danmaku.store import Store
from danmaku.store.history import Append, Appended, Entry, Outcome, Slice
from danmaku.store.leases import Taken
from danmaku.subjects import partition_of
from danmaku.telemetry import RoomsMetrics
from rooms.past import Past
from tests.contract.conftest import ROOMS
from tests.contract.losing import lose, lose_state
from tests.contract.room_log import PLENTY, Owner, entry, one
from tests.contract.stores import LONG, ROOM, opened
from tests.waiting import until


async def test_an_empty_room_has_no_head_and_nothing_before_it(store: Store) -> None:
    assert await store.history.head(ROOM) == START
    assert await store.history.latest(ROOM, 10, PLENTY) == Slice((), True, START)
    assert await store.history.after(ROOM, START, 10, PLENTY) == Slice((), True, START)
    assert await store.history.after(ROOM, Position(5, 1), 10, PLENTY) == Slice((), False, START)


async def test_what_was_appended_is_read_back_as_it_was(store: Store) -> None:
    owner = await Owner.take(store)
    kept = (await owner.append(3), await owner.append(2))
    assert await store.history.head(ROOM) == kept[-1].last == Position(owner.epoch, 5)
    assert await store.history.latest(ROOM, 100, PLENTY) == Slice(kept, True, kept[-1].last)
    assert await store.history.after(ROOM, START, 100, PLENTY) == Slice(kept, True, kept[-1].last)


async def test_a_repeat_is_ok_and_writes_nothing(store: Store) -> None:
    owner = await Owner.take(store)
    append = owner.next(2)
    assert await one(store, "one", append) == Appended(Outcome.OK, append.entry.last)
    assert await one(store, "one", append) == Appended(Outcome.OK, append.entry.last)
    assert (await store.history.latest(ROOM, 100, PLENTY)).entries == (append.entry,)


async def test_who_lost_the_lease_is_fenced(store: Store) -> None:
    old = await Owner.take(store)
    kept = await old.append()
    await old.release()
    assert await one(store, "one", old.next()) == Appended(Outcome.FENCED, kept.last)
    new = await Owner.take(store, "two")
    assert await one(store, "one", old.next()) == Appended(Outcome.FENCED, kept.last)
    assert await one(store, "one", Append(ROOM, new.epoch, kept.last, new.next().entry)) == Appended(
        Outcome.FENCED, kept.last
    )
    assert await store.history.head(ROOM) == kept.last


async def test_another_head_is_a_mismatch(store: Store) -> None:
    owner = await Owner.take(store)
    kept = await owner.append(2)
    wrong = Append(ROOM, owner.epoch, START, entry(Position(owner.epoch, 4), 2))
    assert await one(store, "one", wrong) == Appended(Outcome.MISMATCH, kept.last)
    assert (await store.history.latest(ROOM, 100, PLENTY)).entries == (kept,)


async def test_a_pipelined_append_that_is_fenced_stops_no_other(store: Store) -> None:
    rooms = ["lobby", "stage", "kitchen"]
    assert len({partition_of(room) for room in rooms}) == len(rooms)
    taken = {t.partition: t for t in await store.leases.take([partition_of(r) for r in rooms], "one", LONG)}
    middle = taken[partition_of("stage")]
    await store.leases.release({middle.partition: middle.epoch}, "one")

    def first(room: str) -> Append:
        lease = taken[partition_of(room)]
        return Append(room, lease.epoch, START, entry(Position(lease.epoch, 1), prev=START))

    outcomes = await store.history.append("one", [first(room) for room in rooms])
    found = [outcome.outcome for outcome in outcomes if isinstance(outcome, Appended)]
    assert found == [Outcome.OK, Outcome.FENCED, Outcome.OK]


async def test_to_append_nothing_is_answered_with_nothing(store: Store) -> None:
    assert await store.history.append("one", []) == []


async def test_two_batches_of_one_room_in_one_write(store: Store) -> None:
    owner = await Owner.take(store)
    first = owner.next(2)
    owner.head = first.entry.last
    second = owner.next(1)
    outcomes = await store.history.append("one", [first, second])
    assert outcomes == [
        Appended(Outcome.OK, first.entry.last),
        Appended(Outcome.OK, second.entry.last),
    ]


async def test_a_log_keeps_so_many_of_its_newest_batches(store: Store) -> None:
    owner = await Owner.take(store)
    kept = [await owner.append() for _ in range(ROOMS.history_batches + 3)]
    expected = tuple(kept[-ROOMS.history_batches :])
    assert (await store.history.latest(ROOM, 100, PLENTY)).entries == expected
    everything = await store.history.after(ROOM, START, 100, PLENTY)
    assert everything == Slice(expected, False, owner.head)
    just_enough = await store.history.after(ROOM, kept[2].last, 100, PLENTY)
    assert just_enough == Slice(expected, True, owner.head)


async def test_trimmed_by_age_but_never_to_nothing(store_settings: StoreSettings | None) -> None:
    async with opened(store_settings, history_s=1) as store:
        owner = await Owner.take(store)
        for _ in range(18):
            await owner.append(at=_now_ms())
        old_ms = _now_ms()
        await until(lambda: _now_ms() > old_ms + 1500)
        new = await owner.append(at=_now_ms())
        assert (await store.history.latest(ROOM, 100, PLENTY)).entries == (new,)
        new_ms = _now_ms()
        await until(lambda: _now_ms() > new_ms + 1500)
        last = await owner.append(at=new.at)
        # It is looked for once a second.
        assert (await store.history.latest(ROOM, 100, PLENTY)).entries == (new, last)
        last = await owner.append(at=_now_ms())
        assert (await store.history.latest(ROOM, 100, PLENTY)).entries[-1] == last
        assert await store.history.head(ROOM) == last.last


async def test_a_room_in_which_much_is_said_keeps_no_more_for_that(
    store_settings: StoreSettings | None,
) -> None:
    async with opened(store_settings, history_s=1) as store:
        owner = await Owner.take(store)
        begin = last = await owner.append(at=_now_ms())
        while last.at < begin.at + 6000:
            last = await owner.append(at=_now_ms())
            await asyncio.sleep(0.005)
        oldest = (await store.history.latest(ROOM, 10_000, 10_000_000)).entries[0]
        # A second, one more until it is looked for, and one in which the machine may have stood still.
        assert oldest.at >= last.at - 3000


async def test_what_is_old_goes_bit_by_bit(store_settings: StoreSettings | None) -> None:
    """Many rooms that begin again at one time must not hold up a store."""
    async with opened(store_settings, history_s=1) as store:
        owner = await Owner.take(store)
        began, many = _now_ms(), []
        for _ in range(300):
            many.append(owner.next(at=began))
            owner.head = many[-1].entry.last
        await store.history.append("one", many)
        stored = _now_ms()
        await until(lambda: _now_ms() > stored + 2500)
        await owner.append(at=_now_ms())
        assert len((await store.history.latest(ROOM, 1000, 10_000_000)).entries) == 301 - 252


async def test_a_clock_that_jumps_ages_nothing_alone(store: Store) -> None:
    """Of an owner: what it stores meanwhile has a wrong time, and nothing goes because of it."""
    owner = await Owner.take(store)
    now_ms, jump_ms = time.time_ns() // 1_000_000, 10 * ROOMS.history_s * 1000
    kept = [await owner.append(at=now_ms - 1000 + i) for i in range(3)]
    kept += [await owner.append(at=at) for at in (now_ms + jump_ms, now_ms - jump_ms, now_ms)]
    assert (await store.history.latest(ROOM, 100, PLENTY)).entries == tuple(kept)


async def test_what_was_stored_by_a_clock_that_was_behind_is_not_older_than_it_is(store: Store) -> None:
    owner = await Owner.take(store)
    now_ms, jump_ms = _now_ms(), 10 * ROOMS.history_s * 1000
    kept = [await owner.append(at=now_ms - jump_ms + i) for i in range(3)]
    kept += [await owner.append(at=now_ms + i) for i in range(3)]
    assert (await store.history.latest(ROOM, 100, PLENTY)).entries == tuple(kept)


@pytest.mark.parametrize("jump_ms", [-3_600_000, 3_600_000])
async def test_who_takes_over_knows_what_was_shown_whoever_has_the_time_wrong(
    store: Store, jump_ms: int
) -> None:
    owner = await Owner.take(store)
    now_ms = time.time_ns() // 1_000_000
    await owner.append(at=now_ms - ROOMS.history_s * 500)
    shown = [await owner.append(at=at) for at in (now_ms, now_ms + jump_ms, now_ms + 1)]
    past = Past(store, "two", RoomsMetrics(CollectorRegistry()))
    for own_ms in (now_ms, now_ms + 3_600_000, now_ms - 3_600_000):
        tail, found = await past.tail(ROOM, own_ms, 60_000)
        assert tail.head == owner.head
        assert {said.seq for _, said in found} >= {one.last.seq for one in shown}, own_ms


async def test_a_batch_with_an_old_time_is_kept_as_the_head(store: Store) -> None:
    owner = await Owner.take(store)
    await owner.append(at=10_000_000)
    kept = await owner.append(at=5)
    assert (await store.history.latest(ROOM, 100, PLENTY)).entries[-1] == kept


async def test_the_newest_that_hold_enough_items(store: Store) -> None:
    owner = await Owner.take(store)
    kept = [await owner.append(2) for _ in range(5)]
    for items, entries in ((0, 0), (1, 1), (2, 1), (3, 2), (100, 5)):
        found = await store.history.latest(ROOM, items, PLENTY)
        assert found == Slice(tuple(kept[5 - entries :]), True, owner.head)


async def test_the_log_is_read_backwards_page_by_page(store: Store) -> None:
    owner = await Owner.take(store)
    kept = [await owner.append(2) for _ in range(5)]
    newest = await store.history.latest(ROOM, 4, PLENTY)
    older = await store.history.latest(ROOM, 4, PLENTY, newest.entries[0].last)
    assert older == Slice(tuple(kept[1:3]), True, owner.head)
    oldest = await store.history.latest(ROOM, 4, PLENTY, older.entries[0].last)
    assert oldest == Slice((kept[0],), True, owner.head)
    assert await store.history.latest(ROOM, 4, PLENTY, kept[0].last) == Slice((), True, owner.head)


async def test_bytes_are_bounded_but_something_is_always_given(store: Store) -> None:
    owner = await Owner.take(store)
    kept = [await owner.append(size=100) for _ in range(5)]
    two = len(kept[0].frame) + len(kept[1].frame)
    assert len({len(e.frame) for e in kept[1:]}) == 1
    latest = await store.history.latest(ROOM, 100, len(kept[3].frame) + len(kept[4].frame))
    assert latest.entries == tuple(kept[3:])
    after = await store.history.after(ROOM, START, 100, two)
    assert after == Slice(tuple(kept[:2]), False, owner.head)
    assert (await store.history.after(ROOM, START, 100, two - 1)).entries == (kept[0],)
    assert (await store.history.after(ROOM, START, 100, 1)).entries == (kept[0],)
    assert (await store.history.latest(ROOM, 100, 1)).entries == (kept[4],)


async def test_reading_on_from_a_position(store: Store) -> None:
    owner = await Owner.take(store)
    kept = [await owner.append(3) for _ in range(4)]

    async def after(seq: int, items: int = 100) -> Slice:
        return await store.history.after(ROOM, Position(owner.epoch, seq), items, PLENTY)

    assert await after(3) == Slice(tuple(kept[1:]), True, owner.head)
    assert await after(4) == Slice(tuple(kept[1:]), True, owner.head)  # it holds 4..6, the reader drops 4
    assert await after(11) == Slice((kept[3],), True, owner.head)
    assert await after(12) == Slice((), True, owner.head)
    assert await after(13) == Slice((), False, owner.head)  # the store went back
    assert await after(3, items=1) == Slice((kept[1],), False, owner.head)
    assert await after(3, items=6) == Slice(tuple(kept[1:3]), False, owner.head)
    assert await after(3, items=0) == Slice((), False, owner.head)


async def test_a_log_is_read_across_epochs(store: Store) -> None:
    first = await Owner.take(store)
    old = [await first.append(2), await first.append(2)]
    await first.release()
    second = await Owner.take(store, "two")
    new = [await second.append(1), await second.append(1)]

    async def after(since: Position) -> Slice:
        return await store.history.after(ROOM, since, 100, PLENTY)

    everything = (*old, *new)
    assert await store.history.latest(ROOM, 100, PLENTY) == Slice(everything, True, second.head)
    assert await after(START) == Slice(everything, True, second.head)
    assert await after(old[0].last) == Slice(everything[1:], True, second.head)
    assert await after(old[1].last) == Slice(tuple(new), True, second.head)
    assert await after(new[0].last) == Slice((new[1],), True, second.head)
    # A head that the log does not know: something may be missing.
    assert await after(Position(first.epoch, 9)) == Slice(tuple(new), False, second.head)


async def test_a_hole_in_the_log_is_not_complete(store: Store) -> None:
    owner = await Owner.take(store)
    before = await owner.append(2)
    await owner.release()
    new = await Owner.take(store, "two")
    lost = Position(owner.epoch, 9)  # what the new owner saw and the store lost
    resumed = Append(ROOM, new.epoch, before.last, entry(Position(new.epoch, 1), prev=lost))
    assert (await one(store, "two", resumed)).outcome is Outcome.OK
    for since, complete in ((START, False), (before.last, False), (lost, True)):
        assert (await store.history.after(ROOM, since, 100, PLENTY)).complete is complete


async def test_a_frame_that_is_no_batch_is_served_but_not_called_complete(store: Store) -> None:
    owner = await Owner.take(store)
    strange = Entry(Position(owner.epoch, 1), 1, 1000, b"\xc1")
    await one(store, "one", Append(ROOM, owner.epoch, START, strange))
    assert await store.history.after(ROOM, START, 9, PLENTY) == Slice((strange,), False, strange.last)


async def test_a_long_log_is_read_to_its_end(store: Store) -> None:
    """Longer than what a script reads at once, in both directions."""
    owner = await Owner.take(store)
    kept = [await owner.append() for _ in range(ROOMS.history_batches)]
    assert (await store.history.after(ROOM, START, 1000, PLENTY)).entries == tuple(kept)
    assert (await store.history.latest(ROOM, 1000, PLENTY)).entries == tuple(kept)


@pytest.mark.parametrize("room", ["a", "Z_-9", "x" * 64])
async def test_a_room_may_have_any_name(store: Store, room: str) -> None:
    taken: list[Taken] = await store.leases.take([partition_of(room)], "one", LONG)
    first = Append(room, taken[0].epoch, START, entry(Position(taken[0].epoch, 1), prev=START))
    assert (await one(store, "one", first)).outcome is Outcome.OK
    assert await store.history.head(room) == first.entry.last


SHOW = RoomInfo(ROOM, "Show", created_ms=5)
CLOSED = RoomInfo(ROOM, "Show", open=False, created_ms=5)


def with_effect(append: Append, effect: Effect) -> Append:
    return replace(append, effect=effect)


async def state(store: Store) -> tuple[RoomInfo | None, list[str]]:
    return await store.rooms.load(ROOM), await store.rooms.in_partition(partition_of(ROOM))


async def test_an_entry_and_its_effect_are_stored_together(store: Store) -> None:
    owner = await Owner.take(store)
    for effect, kept in (
        (Effect("create", SHOW), SHOW),
        (Effect("save", CLOSED), CLOSED),
        (Effect("create", SHOW), CLOSED),
    ):
        append = with_effect(owner.next(), effect)
        assert await one(store, "one", append) == Appended(Outcome.OK, append.entry.last)
        owner.head = append.entry.last
        assert await state(store) == (kept, [ROOM])


async def test_an_entry_that_is_refused_has_no_effect(store: Store) -> None:
    old = await Owner.take(store)
    kept = await old.append()
    await store.rooms.save("one", old.epoch, SHOW)
    wrong = Append(ROOM, old.epoch, START, entry(Position(old.epoch, 2)), Effect("save", CLOSED))
    assert await one(store, "one", wrong) == Appended(Outcome.MISMATCH, kept.last)
    assert await state(store) == (SHOW, [ROOM])
    await old.release()
    await Owner.take(store, "two")
    for effect in (Effect("save", CLOSED), Effect("delete", closed_for_good(ROOM))):
        late = with_effect(old.next(), effect)
        assert await one(store, "one", late) == Appended(Outcome.FENCED, kept.last)
        assert await state(store) == (SHOW, [ROOM])
        assert (await store.history.latest(ROOM, 100, PLENTY)).entries == (kept,)


async def test_a_repeat_of_an_entry_does_not_repeat_its_effect(store: Store) -> None:
    owner = await Owner.take(store)
    append = with_effect(owner.next(), Effect("save", CLOSED))
    assert (await one(store, "one", append)).outcome is Outcome.OK
    await store.rooms.save("one", owner.epoch, SHOW)
    assert await one(store, "one", append) == Appended(Outcome.OK, append.entry.last)
    assert await state(store) == (SHOW, [ROOM])


async def test_a_last_entry_leaves_nothing_but_itself_and_what_keeps_the_room_closed(store: Store) -> None:
    owner = await Owner.take(store)
    await store.rooms.save("one", owner.epoch, SHOW)
    await store.rooms.add_likes("one", owner.epoch, {ROOM: 3})
    for _ in range(3):
        await owner.append()
    last = with_effect(owner.next(), Effect("delete", closed_for_good(ROOM)))
    for _ in range(2):
        assert await one(store, "one", last) == Appended(Outcome.OK, last.entry.last)
        assert (await store.history.latest(ROOM, 100, PLENTY)).entries == (last.entry,)
        assert await state(store) == (closed_for_good(ROOM), [])


async def test_heads_of_many_rooms(store: Store) -> None:
    owner = await Owner.take(store)
    kept = await owner.append(3)
    assert await store.history.heads([]) == []
    assert await store.history.heads(["stage", ROOM, "kitchen"]) == [START, kept.last, START]


async def test_a_log_that_lost_its_end_takes_the_same_entries_again(store: Store) -> None:
    owner = await Owner.take(store)
    appends = []
    for count in (1, 3, 2):
        appends.append(with_effect(owner.next(count), Effect("save", SHOW)))
        assert (await one(store, "one", appends[-1])).outcome is Outcome.OK
        owner.head = appends[-1].entry.last
    whole = await store.history.latest(ROOM, 100, PLENTY)
    for lost in (2, 3):
        await lose(store, ROOM, lost)
        await lose_state(store, ROOM)
        head = await store.history.head(ROOM)
        assert await one(store, "one", owner.next()) == Appended(Outcome.MISMATCH, head)
        outcomes = await store.history.append("one", appends[-lost:])
        assert outcomes == [Appended(Outcome.OK, append.entry.last) for append in appends[-lost:]]
        assert await store.history.latest(ROOM, 100, PLENTY) == whole
        assert await store.rooms.load(ROOM) == SHOW


async def test_only_the_very_same_entry_is_there_already(store: Store) -> None:
    """A position is never given to two: another entry in its place is another log."""
    owner = await Owner.take(store)
    first = owner.next()
    other = replace(first, entry=replace(first.entry, frame=first.entry.frame + b"\x90"))
    assert (await store.history.append(owner.process, [first]))[0] == Appended(Outcome.OK, first.entry.last)
    assert await store.history.append(owner.process, [other, first]) == [
        Appended(Outcome.MISMATCH, first.entry.last), Appended(Outcome.OK, first.entry.last),
    ]  # fmt: skip
    (kept,) = (await store.history.latest(ROOM, 10, PLENTY)).entries
    assert kept.frame == first.entry.frame


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
