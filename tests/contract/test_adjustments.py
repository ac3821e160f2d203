"""What settings are adjusted to: one version after the other, the newest of them kept."""

from __future__ import annotations

from config.settings import Store as StoreSettings
from danmaku import change
from danmaku.adjustment import KEPT, Adjustment
from danmaku.change import Adjusted
from danmaku.model import Act, Role
from danmaku.store import Store
from danmaku.store.audit import EVERYWHERE
from danmaku.store.changes import BEGINNING
from danmaku.store.valkey.keys import Keys
from danmaku.store.valkey.link import Link
from tests.contract.stores import acts

VALUES = {
    "policy.slow_s": 3,
    "edge.frames_per_s": 2.5,
    "policy.review": True,
    "edge.origins": ["https://a.例"],
}


def made(version: int, **values: object) -> Adjustment:
    act = f"act{version}"
    return Adjustment(version, values, "root", 100 + version, "too fast", 0, act)


def act_of(adjustment: Adjustment) -> Act:
    return Act(adjustment.act, adjustment.at_ms, "root", Role.ADMIN, "adjust", reason=adjustment.reason)


async def noted(store: Store) -> list[object]:
    news = await store.changes.after(BEGINNING, 1000, 1_000_000)
    return [change.decode(one.entry) for one in news.entries]


async def test_nothing_is_adjusted_at_first(store: Store) -> None:
    assert await store.adjustments.newest(10) == []


async def test_it_is_kept_noted_and_written_down(store: Store) -> None:
    first = Adjustment(1, VALUES, "root", 101, "太快", 0, "act1")
    assert await store.adjustments.adjust(first, [act_of(first)])
    assert await store.adjustments.newest(10) == [first]
    assert await noted(store) == [Adjusted(1, "root")]
    assert await acts(store, EVERYWHERE) == [act_of(first)]


async def test_the_newest_come_first(store: Store) -> None:
    for version in (1, 2, 3):
        assert await store.adjustments.adjust(made(version, n=version))
    assert await store.adjustments.newest(2) == [made(3, n=3), made(2, n=2)]
    assert await store.adjustments.newest(0) == []
    assert await noted(store) == [Adjusted(version, "root") for version in (1, 2, 3)]


async def test_of_two_at_one_time_one_is_in_force(store: Store) -> None:
    assert await store.adjustments.adjust(made(1))
    one, other = made(2, n=1), Adjustment(2, {"n": 2}, "ann", act="other")
    assert await store.adjustments.adjust(one)
    assert not await store.adjustments.adjust(other, [act_of(other)])
    assert not await store.adjustments.adjust(made(4))
    assert not await store.adjustments.adjust(made(0))
    assert await store.adjustments.newest(10) == [one, made(1)]
    assert len(await noted(store)) == 2
    assert await acts(store, EVERYWHERE) == []


async def test_said_again_it_is_done_once(store: Store) -> None:
    first = made(1, n=1)
    for _ in range(2):
        assert await store.adjustments.adjust(first, [act_of(first)])
    assert await store.adjustments.adjust(made(2))
    assert await store.adjustments.adjust(first, [act_of(first)])  # somebody else went on meanwhile
    assert await store.adjustments.newest(10) == [made(2), first]
    assert await noted(store) == [Adjusted(1, "root"), Adjusted(2, "root")]
    assert await acts(store, EVERYWHERE) == [act_of(first)]


async def test_one_is_found_by_its_version_and_by_its_act(store: Store) -> None:
    one, other = made(1, n=1), made(2, n=2)
    assert await store.adjustments.of_act("act1") is None
    assert await store.adjustments.of_version(1) is None
    for adjustment in (one, other):
        assert await store.adjustments.adjust(adjustment)
    assert [await store.adjustments.of_version(version) for version in (1, 2, 3)] == [one, other, None]
    assert [await store.adjustments.of_act(act) for act in ("act1", "act2", "act3")] == [one, other, None]


async def test_an_act_makes_one_version(store: Store) -> None:
    """Said again while somebody else went on, it may be made anew from what is in force then."""
    first, second = made(1, n=1), made(2, n=2)
    for adjustment in (first, second):
        assert await store.adjustments.adjust(adjustment)
    again = Adjustment(3, {"n": 1}, "root", act=first.act)
    assert not await store.adjustments.adjust(again, [act_of(again)])
    assert await store.adjustments.newest(10) == [second, first]
    assert await acts(store, EVERYWHERE) == []


async def test_what_the_version_before_made_is_known_by_its_act(
    store: Store, store_settings: StoreSettings | None
) -> None:
    """It notes of none which act made it, and runs beside this one during a rolling restart."""
    for version in (1, 2, 3, 4):
        assert await store.adjustments.adjust(made(version))
    await _as_before(store_settings, "act:act3", "act:act4")
    assert await store.adjustments.adjust(made(5))
    await _as_before(store_settings, "act:act5")
    assert not await store.adjustments.adjust(Adjustment(6, {}, "root", act="act4"))
    assert [await store.adjustments.of_act(f"act{version}") for version in (2, 3, 4, 5)] == [
        made(version) for version in (2, 3, 4, 5)
    ]


async def _as_before(settings: StoreSettings | None, *fields: str) -> None:
    """Take from a real store what the version before does not write; the twin has no version before."""
    if settings is not None:
        link = Link.to(settings)
        await link.one("HDEL", Keys(settings.prefix).adjustments, *fields)
        await link.close()


async def test_so_many_are_kept(store: Store) -> None:
    for version in range(1, KEPT + 3):
        assert await store.adjustments.adjust(made(version))
    kept = [one.version for one in await store.adjustments.newest(KEPT * 2)]
    assert kept == [*range(KEPT + 2, 2, -1)]
    assert await store.adjustments.of_version(2) is await store.adjustments.of_act("act2") is None
    assert await store.adjustments.adjust(Adjustment(KEPT + 3, {}, "root", act="act2")), "it is forgotten"
