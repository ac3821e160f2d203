"""An edge that misses something: it asks history once for all, again when need be, and says what is lost."""

from __future__ import annotations

from typing import Any

import pytest

from danmaku import wire
from danmaku.memory import MemoryBus
from tests.contract.edge_owner import FakeOwner
from tests.contract.edge_worker import Worker, always, edge_worker
from tests.viewer import Viewer, viewer
from tests.waiting import until

ROOMS = [f"r{number}" for number in range(200)]
GENEROUS: dict[str, Any] = {
    "rooms_per_connection": 200,
    "frames_per_s": 10_000,
    "frames_burst": 10_000,
    "pulls_per_s": 10_000,
    "pulls_burst": 10_000,
}
AT_ONCE = 16  # questions to history to close gaps


async def join(one: Viewer, *rooms: str) -> None:
    await one.ok(wire.Hello(0))
    for room in rooms:
        await one.ok(wire.Join(0, room))


def skips(one: Viewer) -> list[wire.Skip]:
    return [frame for frame in one.frames if isinstance(frame, wire.Skip)]


def lose(owner: FakeOwner, room: str, text: str) -> None:
    """It was shown, but did not get here."""
    owner.append(room, text)


async def test_what_nobody_has_any_more_is_skipped_by_all_viewers(bus: MemoryBus) -> None:
    async with (
        edge_worker(always(bus)) as worker,
        viewer(worker.port) as ann,
        viewer(worker.port, wire.JSON) as bob,
    ):
        for one in (ann, bob):
            await join(one, "r")
        owner = worker.owner
        await owner.show("r", "one")
        await ann.texts(1)
        asked = owner.history_asked
        lose(owner, "r", "two")
        lose(owner, "r", "three")
        four = owner.append("r", "four")
        owner.trim("r", 3)
        await owner.publish("r", four)
        for one in (ann, bob):
            assert await one.texts(2) == ["one", "four"]
            assert skips(one) == [wire.Skip("r", 100, 2, 3)]
        assert owner.history_asked == asked + 1
        assert worker.metric("skipped_total", why="lost") == 2
        assert worker.metric("history_requests_total", why="gap") == 1
        late = await ann.ok(wire.Join(0, "r", wire.At(100, 1)))
        assert (ann.read_history(late), late.complete) == (["four"], False)


async def test_a_skip_into_the_epoch_of_a_new_owner_names_what_it_follows(bus: MemoryBus) -> None:
    async with edge_worker(always(bus)) as worker, viewer(worker.port) as ann:
        await join(ann, "r")
        owner = worker.owner
        await owner.show("r", "one")
        owner.epoch = 200
        lose(owner, "r", "two")
        three = owner.append("r", "three")
        owner.trim("r", 2)
        await owner.publish("r", three)
        assert await ann.texts(2) == ["one", "three"]
        assert skips(ann) == [wire.Skip("r", 200, 1, 1, wire.At(100, 1))]


async def test_history_that_does_not_answer_is_no_loss(bus: MemoryBus) -> None:
    async with edge_worker(always(bus)) as worker, viewer(worker.port) as ann:
        await join(ann, "r")
        owner = worker.owner
        await owner.show("r", "one")
        owner.history_silent = True
        lose(owner, "r", "two")
        await owner.show("r", "three")
        assert await ann.texts(2) == ["one", "three"]
        assert skips(ann) == []


async def test_an_answer_that_gets_lost_is_asked_for_again(bus: MemoryBus) -> None:
    async with edge_worker(always(bus)) as worker, viewer(worker.port) as ann:
        await join(ann, "r")
        owner = worker.owner
        asked = owner.history_asked
        owner.history_lost = 1
        lose(owner, "r", "one")
        await owner.show("r", "two")
        assert await ann.texts(2) == ["one", "two"]
        assert owner.history_asked == asked + 2
        owner.history_lost = 1
        assert (await ann.ok(wire.Join(0, "another"))).room == "another"


async def test_what_is_lost_while_a_gap_is_closed_is_asked_for_too(bus: MemoryBus) -> None:
    async with edge_worker(always(bus)) as worker, viewer(worker.port) as ann:
        await join(ann, "r")
        owner = worker.owner
        owner.history_s = 0.1
        asked = owner.history_asked
        lose(owner, "r", "one")
        await owner.show("r", "two")
        await until(lambda: owner.history_asked > asked)
        lose(owner, "r", "three")
        await owner.show("r", "four")
        assert await ann.texts(4) == ["one", "two", "three", "four"]
        assert owner.history_asked == asked + 2


async def test_owners_tell_heads_to_an_edge_that_hears_no_statistics(bus: MemoryBus) -> None:
    async with edge_worker(always(bus)) as worker, viewer(worker.port) as ann:
        await join(ann, "r")
        worker.owner.tells_heads = True
        lose(worker.owner, "r", "one")
        assert await ann.texts(1) == ["one"]


async def two_hundred_rooms(worker: Worker, ann: Viewer, bus: MemoryBus) -> None:
    await join(ann, *ROOMS)
    worker.owner.history_asked = 0
    bus.connected = False


async def test_after_an_outage_of_the_bus_all_rooms_heal_a_few_at_a_time(bus: MemoryBus) -> None:
    async with (
        edge_worker(always(bus), **GENEROUS) as worker,
        viewer(worker.port) as ann,
    ):
        await two_hundred_rooms(worker, ann, bus)
        owner = worker.owner
        owner.history_s, owner.most_asking = 0.05, 0
        owner.tells_heads = True  # where a machine stands still for too long, it is asked again then
        for room in ROOMS:
            lose(owner, room, room)
        bus.connected = True
        assert sorted(await ann.texts(len(ROOMS))) == sorted(ROOMS)
        # an answer that is late, as on a busy machine, is asked for again
        assert len(ROOMS) <= owner.history_asked < 2 * len(ROOMS)
        assert owner.most_asking <= AT_ONCE


async def test_after_an_outage_nobody_asks_about_rooms_whose_heads_were_told(bus: MemoryBus) -> None:
    async with (
        edge_worker(always(bus), **GENEROUS) as worker,
        viewer(worker.port) as ann,
    ):
        await two_hundred_rooms(worker, ann, bus)
        lose(worker.owner, ROOMS[7], "lost")
        bus.connected = True
        for room in ROOMS:
            await worker.owner.stats(room)
        assert await ann.texts(1) == ["lost"]
        await until(lambda: not worker.node.feeds.checking)
        assert worker.owner.history_asked == 1


async def test_a_second_outage_begins_the_check_anew(bus: MemoryBus) -> None:
    async with edge_worker(always(bus)) as worker, viewer(worker.port) as ann:
        await join(ann, "r")
        for text in ("one", "two"):
            bus.connected = False
            lose(worker.owner, "r", text)
            bus.connected = True
        assert await ann.texts(2) == ["one", "two"]


@pytest.mark.parametrize("ring_batches", [300, 20])
async def test_whoever_missed_more_than_fits_into_one_answer_goes_on_from_there(
    bus: MemoryBus, ring_batches: int
) -> None:
    """From the ring, and from the store where the ring does not reach back far enough."""
    async with (
        edge_worker(always(bus), buffered_bytes=32 * 1024, ring_batches=ring_batches) as worker,
        viewer(worker.port) as ann,
        viewer(worker.port) as bob,
    ):
        await join(ann, "r")
        for number in range(60):
            await worker.owner.show("r", f"{number} {'x' * 1000}")
            await ann.texts(number + 1)
        await bob.ok(wire.Hello(0))
        answer = await bob.ok(wire.Join(0, "r", wire.At(100, 1)))
        texts = bob.read_history(answer)
        assert not answer.complete
        assert 1 < len(texts) < 59
        while len(texts) < 59:
            answer = await bob.ok(wire.History(0, "r", wire.At(100, 1 + len(texts))))
            texts += bob.read_history(answer)
        assert answer.complete
        assert [text.split()[0] for text in texts] == [str(number) for number in range(1, 60)]
