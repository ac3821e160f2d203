"""Settings are adjusted through any rooms process, and all of them follow."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from danmaku import adjustment
from danmaku.adjustment import (
    KEPT,
    MAX_BYTES,
    Adjustment,
    AdjustmentsReply,
    AdjustmentsRow,
    AdjustRow,
    RollBackRow,
)
from danmaku.model import Role
from danmaku.rows import Shown
from danmaku.store.audit import EVERYWHERE
from danmaku.store.errors import StoreDown
from tests.contract.rooms_service import LOOSE, Running, Service, refusal, send
from tests.waiting import until


async def ask(live: Service, row: AdjustRow | RollBackRow | AdjustmentsRow) -> AdjustmentsReply:
    row.budget_ms = 10_000
    async with asyncio.timeout(30):
        reply = await live.bus.request(live.subjects.adjustments, adjustment.encode(row), 20.0)
    return adjustment.decode_reply(reply)


async def done(live: Service, row: AdjustRow | RollBackRow) -> Adjustment:
    reply = await ask(live, row)
    assert reply.refused is None, reply.detail
    (found,) = reply.adjustments
    return found


def adjust(
    *, unset: Sequence[str] = (), expected: int | None = None, act: str = "", **values: object
) -> AdjustRow:
    keys = {key.replace("__", "."): value for key, value in values.items()}
    return AdjustRow(
        values=keys, unset=[*unset], by="root", role=Role.ADMIN, reason="why", expected=expected, act=act
    )


def back(version: int, expected: int | None = None) -> RollBackRow:
    return RollBackRow(version=version, by="root", role=Role.ADMIN, expected=expected)


def policy(running: Running) -> Any:
    return running.settings.policy


async def test_all_processes_go_by_it_and_newcomers_before_they_serve(live: Service) -> None:
    one, two = await live.start(), await live.start()
    await live.owned(one, two)
    found = await done(live, adjust(policy__max_length=3))
    assert (found.version, found.values, found.by, found.reason) == (
        1,
        {"policy.max_length": 3},
        "root",
        "why",
    )
    await until(lambda: policy(one).max_length == policy(two).max_length == 3)
    third = await live.start()
    await live.owned(one, two, third)
    assert policy(third).max_length == 3
    assert (await ask(live, AdjustmentsRow(limit=5))).adjustments == [found]


async def test_what_else_was_adjusted_stays(live: Service) -> None:
    one = await live.sole_owner()
    await done(live, adjust(policy__max_length=3, policy__slow_s=1))
    found = await done(live, adjust(policy__slow_s=2, edge__frames_per_s=7, unset=["policy.max_length"]))
    assert (found.version, found.values) == (2, {"policy.slow_s": 2, "edge.frames_per_s": 7.0})
    await until(lambda: policy(one).slow_s == 2)
    assert policy(one).max_length == LOOSE.max_length


async def test_it_is_gone_back_and_back_again(live: Service) -> None:
    one = await live.sole_owner()
    await done(live, adjust(policy__slow_s=1))
    await done(live, adjust(policy__slow_s=2, policy__max_length=9))
    third = await done(live, back(1))
    assert (third.version, third.values, third.of) == (3, {"policy.slow_s": 1}, 1)
    fourth = await done(live, back(2))
    assert (fourth.version, fourth.values) == (4, {"policy.slow_s": 2, "policy.max_length": 9})
    fifth = await done(live, back(3))
    assert (fifth.values, fifth.of) == ({"policy.slow_s": 1}, 3)
    sixth = await done(live, back(0))
    assert sixth.values == {}
    await until(lambda: policy(one).slow_s == LOOSE.slow_s)
    versions = [one.version for one in (await ask(live, AdjustmentsRow(limit=KEPT))).adjustments]
    assert versions == [6, 5, 4, 3, 2, 1]
    assert (await ask(live, back(7))).refused == "no_such_version"


REFUSED: list[tuple[AdjustRow | RollBackRow, str, str]] = [
    (adjust(policy__slow_s=-1), "bad_frame", "policy.slow_s = -1: must be a whole number from 0 to"),
    (adjust(policy__slo_s=1), "bad_frame", "did you mean policy.slow_s?"),
    (adjust(unset=["policy.slo_s"]), "bad_frame", "did you mean policy.slow_s?"),
    (adjust(edge__port=1), "needs_restart", "edge.port"),
    (adjust(unset=["edge.port"]), "needs_restart", "edge.port"),
    (adjust(policy__slow_s=1, expected=3), "conflict", "version 0 is in force, by nobody"),
    (back(0, expected=3), "conflict", "version 0 is in force"),
    (adjust(edge__origins=["https://a.example" + "a" * MAX_BYTES]), "too_large", str(MAX_BYTES)),
    (AdjustRow(values={"policy.slow_s": 1}, by="bob", role=Role.STREAMER), "forbidden", ""),
    (RollBackRow(version=0, by="bob", role=Role.MODERATOR), "forbidden", ""),
]


async def test_where_nothing_would_change_there_is_no_version(live: Service) -> None:
    await live.sole_owner()
    assert (await done(live, adjust(unset=["policy.slow_s"]))).version == 0
    first = await done(live, adjust(policy__slow_s=3))
    assert await done(live, adjust(policy__slow_s=3)) == first
    back = RollBackRow(by="root", role=Role.ADMIN, version=1)
    assert await done(live, back) == first
    assert (await ask(live, AdjustmentsRow(limit=10))).adjustments == [first]


async def test_it_is_refused_by_name(live: Service) -> None:
    await live.sole_owner()
    for row, refused, detail in REFUSED:
        reply = await ask(live, row)
        assert reply.refused == refused
        assert detail in (reply.detail or "")
    assert (await ask(live, AdjustmentsRow())).adjustments == []


async def test_of_two_at_one_time_both_count_unless_they_expected_something(live: Service) -> None:
    one, two = await live.start(), await live.start()
    await live.owned(one, two)
    rows = [adjust(policy__slow_s=1), adjust(policy__max_length=9), adjust(policy__unique_s=4)]
    found = await asyncio.gather(*(done(live, row) for row in rows))
    assert sorted(one.version for one in found) == [1, 2, 3]
    newest = (await ask(live, AdjustmentsRow())).adjustments[0]
    assert newest.values == {"policy.slow_s": 1, "policy.max_length": 9, "policy.unique_s": 4}
    replies = await asyncio.gather(*(ask(live, adjust(policy__slow_s=n, expected=3)) for n in (5, 6, 7)))
    assert sorted(reply.refused or "" for reply in replies) == ["", "conflict", "conflict"]


async def test_who_asks_again_is_answered_as_before(live: Service) -> None:
    await live.sole_owner()
    row = adjust(policy__slow_s=1, expected=0, act="a1")
    first = await done(live, row)
    await done(live, adjust(policy__max_length=9))
    assert await done(live, row) == first
    store = await live.open_store()
    assert [one.version for one in await store.adjustments.newest(9)] == [2, 1]
    acts = [recorded.act for recorded in await store.audit.before(EVERYWHERE, None, 9)]
    assert {(act.verb, act.by, act.reason) for act in acts} == {("adjust", "root", "why")}
    assert [act.what for act in acts] == [
        '{"policy.slow_s":{"now":1,"was":0}}', '{"policy.max_length":{"now":9,"was":100}}',
    ]  # fmt: skip


async def test_the_record_has_what_going_back_changed(live: Service) -> None:
    await live.sole_owner()
    await done(live, adjust(policy__slow_s=1))
    await done(live, adjust(policy__slow_s=2, policy__max_length=9))
    await done(live, back(1))
    store = await live.open_store()
    (recorded,) = await store.audit.before(EVERYWHERE, None, 1)
    assert (recorded.act.verb, recorded.act.what) == (
        "roll_back",
        '{"version":1,"policy.slow_s":{"now":1,"was":2},"policy.max_length":{"back_to":100,"was":9}}',
    )


async def test_what_was_in_force_long_ago_is_not_read_to_adjust(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    newest, asked = store.adjustments.newest, set[int]()

    async def counted(limit: int) -> list[Adjustment]:
        asked.add(limit)
        return await newest(limit)

    monkeypatch.setattr(store.adjustments, "newest", counted)
    await live.sole_owner(store=store)
    row = adjust(policy__slow_s=1, act="a1")
    first = await done(live, row)
    await done(live, adjust(policy__slow_s=2))
    assert (await done(live, back(1))).values == first.values
    assert await done(live, row) == first
    assert asked == {1}


async def test_what_a_process_cannot_use_is_passed_over(live: Service) -> None:
    """Another version of this program wrote it."""
    store = await live.open_store()
    values = {"policy.slow_s": 3, "policy.links": "eat", "future.key": 1, "edge.port": 7}
    assert await store.adjustments.adjust(Adjustment(1, values, "root", act="a1"))
    one = await live.sole_owner()
    assert (policy(one).slow_s, policy(one).links) == (3, "show")
    found = await done(live, adjust(policy__max_length=9))
    assert found.values == {**values, "policy.max_length": 9}
    assert (await done(live, adjust(unset=["policy.slow_s"]))).values["future.key"] == 1


async def test_one_that_comes_while_a_process_starts_counts(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between what it reads and what it follows nothing is lost."""
    one = await live.sole_owner()
    store = await live.open_store()
    newest, asked = store.adjustments.newest, 0

    async def late(limit: int) -> list[Adjustment]:
        nonlocal asked
        asked += 1
        found = await newest(limit)
        if asked == 1:  # read, and then something else is in force
            assert await store.adjustments.adjust(Adjustment(1, {"policy.slow_s": 3}, "root", act="a1"))
        return found

    monkeypatch.setattr(store.adjustments, "newest", late)
    two = await live.start(store=store)
    await until(lambda: policy(one).slow_s == policy(two).slow_s == 3)


async def test_it_serves_once_the_store_says_what_is_adjusted(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    assert await store.adjustments.adjust(Adjustment(1, {"policy.slow_s": 3}, "root", act="a1"))
    newest, away = store.adjustments.newest, 2

    async def down(limit: int) -> list[Adjustment]:
        nonlocal away
        away -= 1
        if away >= 0:
            raise StoreDown("away")
        return await newest(limit)

    monkeypatch.setattr(store.adjustments, "newest", down)
    one = await live.sole_owner(store=store)
    assert away < 0
    assert policy(one).slow_s == 3


async def test_a_room_that_is_there_is_judged_by_it(live: Service) -> None:
    one = await live.sole_owner()
    assert isinstance(await live.ask(send("lobby", "ann", "12345", "c1")), Shown)
    await done(live, adjust(policy__max_length=3))
    await until(lambda: policy(one).max_length == 3)
    answer = await live.ask(send("lobby", "ann", "123456", "c2"))
    assert refusal(answer) == "too_long"
