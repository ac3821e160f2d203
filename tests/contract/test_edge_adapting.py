"""An edge goes by what settings are adjusted to: before it serves, and from then on."""

from __future__ import annotations

import pytest
from websockets.exceptions import InvalidStatus

from danmaku import wire
from danmaku.adjustment import Adjustment
from danmaku.change import Adjusted
from tests.contract.edge_owner import FakeOwner
from tests.contract.edge_worker import Connect, Worker, edge_worker
from tests.viewer import viewer
from tests.waiting import until


async def adjust(worker: Worker, **values: object) -> None:
    owner = worker.owner
    version = len(owner.adjustments) + 1
    keys = {key.replace("__", "."): value for key, value in values.items()}
    owner.adjustments.insert(0, Adjustment(version, keys, "root", act=f"a{version}"))
    await owner.note(Adjusted(version, "root"))


async def turned_away(worker: Worker) -> int:
    with pytest.raises(InvalidStatus) as refused:
        async with viewer(worker.port):
            pass
    return refused.value.response.status_code


async def test_it_is_asked_for_before_it_serves(connect: Connect) -> None:
    def prepare(owner: FakeOwner) -> None:
        owner.adjustments = [Adjustment(4, {"edge.frames_burst": 7, "future.key": 1}, "root", act="a4")]

    async with edge_worker(connect, prepare=prepare) as worker:
        assert worker.settings.edge.frames_burst == 7


async def test_it_serves_with_its_own_settings_where_nobody_tells(connect: Connect) -> None:
    def prepare(owner: FakeOwner) -> None:
        owner.changes_silent = True

    async with edge_worker(connect, prepare=prepare, frames_burst=9) as worker:
        assert worker.settings.edge.frames_burst == 9
        worker.owner.changes_silent = False
        await adjust(worker, edge__frames_burst=7)
        await until(lambda: worker.settings.edge.frames_burst == 7)


async def test_it_follows_where_the_log_is_not_complete(connect: Connect) -> None:
    async with edge_worker(connect) as worker:
        await until(lambda: worker.owner.asked_changes)
        worker.owner.changes_kept = 0
        await adjust(worker, edge__frames_burst=7)
        await until(lambda: worker.settings.edge.frames_burst == 7)


async def test_who_is_there_may_say_as_much_as_it_says_now(connect: Connect) -> None:
    async with edge_worker(connect) as worker, viewer(worker.port) as ann:
        await ann.ok(wire.Hello(0))
        await adjust(worker, edge__frames_burst=1, edge__frames_per_s=0.01)
        await until(lambda: worker.settings.edge.frames_burst == 1)
        answers = [await ann.ask(wire.Ping(0)) for _ in range(2)]
        assert isinstance(answers[-1], wire.Err)
        assert answers[-1].error == "rate_limited"


async def test_who_comes_in_is_counted_by_what_it_says_now(connect: Connect) -> None:
    """Also those who came while there was no limit for an address."""
    async with (
        edge_worker(connect, connections_per_address=0) as worker,
        viewer(worker.port),
        viewer(worker.port),
    ):
        await adjust(worker, edge__connections_per_address=2)
        await until(lambda: worker.settings.edge.connections_per_address == 2)
        assert await turned_away(worker) == 429
        await adjust(worker, edge__connections_per_address=0, edge__connections=2)
        await until(lambda: worker.settings.edge.connections == 2)
        assert await turned_away(worker) == 503
        await adjust(worker)
        await until(lambda: worker.settings.edge.connections == 15_000)
        async with viewer(worker.port):
            pass
