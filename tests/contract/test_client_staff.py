"""What staff posts by the SDK, over HTTP, at an edge before an owner that does as it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from danmaku.board import Poll as Asked
from danmaku.client import Client, Poll, Refusal, Sent
from danmaku.envelope import Answer, Row
from danmaku.event_rows import ClosePollRow, PaidRow, Polled, PollRow, UnpinRow, poll_id
from danmaku.memory import MemoryBus
from danmaku.model import Role
from danmaku.rows import Done, EventRow, Rank, Refused, Shown
from tests.contract.edge_worker import QUICK, Worker, always, edge_worker, token

SHOWN = Sent(True, 7, 3, 99)


@pytest.fixture
async def worker(bus: MemoryBus) -> AsyncIterator[Worker]:
    async with edge_worker(always(bus)) as made:
        yield made


def client(worker: Worker, role: Role = Role.STREAMER) -> Client:
    return Client(f"http://127.0.0.1:{worker.port}", token=token("shop", role), timing=QUICK)


async def test_what_staff_posts_comes_to_the_owner_as_it_was_said(worker: Worker) -> None:
    asked: list[Any] = []

    def judge(row: Row) -> Answer:
        asked.append(row)
        if isinstance(row, ClosePollRow):
            return Polled(Asked("p1", "Which?", ("one", "two")), [2, 5], open=False)
        return Done() if isinstance(row, EventRow | PaidRow) and row.ask else Shown(7, 3, 99)

    worker.owner.judge = judge
    async with client(worker) as shop:
        staff = shop.staff
        assert await staff.announce("r", "hear", pin_s=60, cid="c1") == SHOWN
        assert await staff.gift("r", "rose", uid="bob", count=9, amount=500, currency="CNY") == SHOWN
        paid: dict[str, Any] = {"uid": "bob", "name": "Bob", "amount": 500, "currency": "CNY"}
        assert await staff.paid("r", "go", **paid, cid="c3") == SHOWN
        assert await staff.paid("r", "go", **paid, ask=True) == Sent(False)
        assert await staff.gift("r", "rose", ask=True) == Sent(False)
        await staff.unpin("r")
        poll = await staff.open_poll("r", "Which?", ["one", "two"], seconds=60, cid="c5")
        assert poll == poll_id("shop", "c5")
        assert await staff.close_poll("r", poll) == Poll("p1", "Which?", ["one", "two"], [2, 5])
    announced, given, bought, asks, asks_too, unpins, opens, closes = asked
    assert (announced.cid, announced.pin_s) == ("c1", 60)
    assert msgspec.msgpack.decode(given.item) == {
        "k": "gift", "uid": "bob", "name": "bob", "gift": "rose", "count": 9,
        "amount": 500, "currency": "CNY",
    }  # fmt: skip
    row = PaidRow("r", "shop", Role.STREAMER, "c3", "bob", "Bob", "go", 500, "CNY")
    assert bought == row
    assert (asks.ask, asks_too.ask, isinstance(unpins, UnpinRow)) == (True, True, True)
    assert opens == PollRow("r", "shop", Role.STREAMER, "c5", "Which?", ["one", "two"], 60)
    assert closes == ClosePollRow("r", "shop", Role.STREAMER, poll)


async def test_who_is_no_staff_and_what_cannot_be_meant_is_refused(worker: Worker) -> None:
    worker.owner.judge = lambda _: Rank(Role.VIEWER)
    async with client(worker, Role.VIEWER) as viewer:
        with pytest.raises(Refusal, match="forbidden"):
            await viewer.staff.announce("r", "hear")
        with pytest.raises(Refusal, match="bad_id"):
            await viewer.staff.unpin("a b")
        with pytest.raises(Refusal, match="bad_id"):
            await viewer.staff.close_poll("r", "a b")


async def test_where_the_outcome_is_unknown_it_is_said_again_under_the_same_cid(worker: Worker) -> None:
    cids: list[str] = []

    def judge(row: Row) -> Answer:
        if not isinstance(row, EventRow):
            return worker.owner.admit_all(row)
        cids.append(row.cid)
        return Refused("unavailable", retry_ms=1) if len(cids) < 3 else Shown(7, 3, 99)

    worker.owner.judge = judge
    async with client(worker) as shop:
        assert await shop.staff.gift("r", "rose") == SHOWN
    assert (len(cids), len(set(cids))) == (3, 1)
