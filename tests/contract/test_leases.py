"""Who owns which partition: fenced, rising, handed over."""

from __future__ import annotations

import time

import pytest

from danmaku.store import Store
from danmaku.store.errors import LayoutMismatch
from danmaku.store.leases import Taken
from danmaku.store.valkey.leases import ValkeyLeases
from tests.waiting import until

LONG = 60_000
SHORT = 30


async def test_taking_gives_what_nobody_holds(store: Store) -> None:
    (first,) = await store.leases.take([3], "one", LONG)
    taken = await store.leases.take([3, 4], "two", LONG)
    assert [t.partition for t in taken] == [4]
    assert await store.leases.holders() == {3: ("one", first.epoch), 4: ("two", taken[0].epoch)}


async def test_the_holder_itself_does_not_take_again(store: Store) -> None:
    await store.leases.take([3], "one", LONG)
    assert await store.leases.take([3], "one", LONG) == []


async def test_a_first_epoch_is_the_time(store: Store) -> None:
    before = time.time_ns() // 1_000_000
    (taken,) = await store.leases.take([0], "one", LONG)
    assert before <= taken.epoch <= time.time_ns() // 1_000_000


async def test_epochs_rise_even_within_a_millisecond(store: Store) -> None:
    epochs = []
    for _ in range(20):
        (taken,) = await store.leases.take([7], "one", LONG)
        epochs.append(taken.epoch)
        await store.leases.release({7: taken.epoch}, "one")
    assert epochs == sorted(set(epochs))


async def test_an_expired_lease_is_taken_over(store: Store) -> None:
    (old,) = await store.leases.take([5], "one", SHORT)
    new: list[Taken] = []

    async def taken() -> bool:
        new.extend(await store.leases.take([5], "two", LONG))
        return bool(new)

    await until(taken)
    assert new[0].epoch > old.epoch
    assert (await store.leases.renew({5: old.epoch}, "one", LONG)).still == set()
    assert await store.leases.holders() == {5: ("two", new[0].epoch)}


async def test_renewing_keeps_a_lease_beyond_its_first_time(store: Store) -> None:
    (kept,) = await store.leases.take([5], "one", 2_000)
    (lost,) = await store.leases.take([6], "one", SHORT)
    assert (await store.leases.renew({5: kept.epoch}, "one", LONG)).still == {5}

    async def lost_expired() -> bool:
        return 6 not in await store.leases.holders()

    await until(lost_expired)
    assert (await store.leases.renew({5: kept.epoch, 6: lost.epoch}, "one", LONG)).still == {5}


async def test_what_is_no_lease_costs_nobody_another_one(store: Store) -> None:
    held = {taken.partition: taken.epoch for taken in await store.leases.take([3, 4, 5], "one", LONG)}
    leases = {3, 4, 5}
    if isinstance(store.leases, ValkeyLeases):  # the twin keeps nothing else
        key = store.leases._keys.lease(4)
        await store.leases._link.all([("DEL", key), ("LPUSH", key, "no lease")])
        leases = {3, 5}
    renewed = await store.leases.renew(held, "one", LONG)
    assert (renewed.still, renewed.lost) == (leases, set())


async def test_nobody_renews_with_another_epoch_or_name(store: Store) -> None:
    (held,) = await store.leases.take([5], "one", LONG)
    assert (await store.leases.renew({5: held.epoch - 1}, "one", LONG)).still == set()
    assert (await store.leases.renew({5: held.epoch}, "two", LONG)).still == set()


async def test_a_stale_holder_releases_nothing(store: Store) -> None:
    (old,) = await store.leases.take([5], "one", LONG)
    await store.leases.release({5: old.epoch}, "one")
    (new,) = await store.leases.take([5], "two", LONG)
    await store.leases.release({5: old.epoch}, "one")
    await store.leases.release({5: new.epoch}, "one")
    assert await store.leases.holders() == {5: ("two", new.epoch)}


async def test_nothing_to_take_renew_or_release_is_fine(store: Store) -> None:
    assert await store.leases.take([], "one", LONG) == []
    assert (await store.leases.renew({}, "one", LONG)).still == set()
    await store.leases.release({}, "one")
    assert await store.leases.holders() == {}


async def test_live_processes_are_counted_until_they_resign_or_fall_silent(store: Store) -> None:
    assert await store.leases.enlist("b", LONG) == ["b"]
    assert await store.leases.enlist("a", LONG) == ["a", "b"]
    await store.leases.resign("b")
    await store.leases.enlist("silent", SHORT)

    async def silent_is_gone() -> bool:
        return await store.leases.enlist("a", LONG) == ["a"]

    await until(silent_is_gone)


async def test_a_layout_is_kept(store: Store) -> None:
    await store.leases.check_layout(64, 256)
    await store.leases.check_layout(64, 256)
    with pytest.raises(LayoutMismatch, match="64"):
        await store.leases.check_layout(128, 256)
    with pytest.raises(LayoutMismatch, match="256"):
        await store.leases.check_layout(64, 128)
