"""What came for rooms is handed out in turns, whatever one of the rooms makes of it."""

from __future__ import annotations

import asyncio

import pytest

from config import settings as config
from edge.handout import Arrival, Handout, Turn
from edge.pacing import Pacing
from tests.waiting import until


class Edge:
    """Shows by writing it down."""

    def __init__(self, pacing: Pacing) -> None:
        self.shown: list[tuple[str, list[bytes]]] = []
        self.pushed = 0
        self.turns: list[Turn] = []
        self.fails: set[str] = set()
        self.handout: Handout[str] = Handout(pacing, self._show, self._push, self.turns.append)

    def _show(self, room: str, arrivals: list[Arrival]) -> None:
        assert arrivals == sorted(arrivals, key=lambda arrival: arrival.at)
        if room in self.fails:
            raise RuntimeError(room)
        self.shown.append((room, [payload for payload, _ in arrivals]))

    def _push(self) -> None:
        self.pushed += 1

    def has_shown(self) -> bool:
        return bool(self.shown)


@pytest.fixture
def pacing() -> Pacing:
    return Pacing(config.Edge(fanout_share=0.5, fanout_bytes=1024))


async def test_what_comes_together_leaves_together_in_the_order_of_each_room(pacing: Pacing) -> None:
    edge = Edge(pacing)
    for room, payload in [("a", b"1"), ("b", b"2"), ("a", b"3")]:
        edge.handout.put(room, payload)
        assert edge.handout.waits(room)
    assert edge.shown == []
    await until(edge.has_shown)
    assert edge.shown == [("a", [b"1", b"3"]), ("b", [b"2"])]
    assert len(edge.turns) == 1
    assert edge.pushed == 2, "once for what was there before"
    assert not edge.handout.waits("a")


async def test_after_a_turn_that_took_long_the_next_one_waits(pacing: Pacing) -> None:
    edge = Edge(pacing)
    now = asyncio.get_running_loop().time()
    pacing.took(now, now + 0.1)
    edge.handout.put("a", b"1")
    edge.handout.put("a", b"2")
    await until(edge.has_shown)
    assert edge.shown == [("a", [b"1", b"2"])]
    assert asyncio.get_running_loop().time() >= now + 0.2
    assert edge.turns[0].waited >= 0.1


async def test_too_much_does_not_wait(pacing: Pacing) -> None:
    edge = Edge(pacing)
    now = asyncio.get_running_loop().time()
    pacing.took(now, now + 30)
    for _ in range(9):
        edge.handout.put("a", bytes(1024 * 1024))
    assert [len(payloads) for _, payloads in edge.shown] == [9]
    edge.handout.put("a", b"next")
    assert len(edge.shown) == 1
    edge.handout.close()


async def test_a_room_that_fails_takes_nothing_from_the_others(pacing: Pacing) -> None:
    edge = Edge(pacing)
    edge.fails = {"a"}
    edge.handout.put("a", b"1")
    edge.handout.put("b", b"2")
    await until(edge.has_shown)
    assert edge.shown == [("b", [b"2"])]
    assert len(edge.turns) == 1


async def test_what_is_shown_beside_counts(pacing: Pacing) -> None:
    edge = Edge(pacing)
    edge.handout.beside(lambda: edge.shown.append(("a", [b"1"])))
    assert len(edge.turns) == edge.pushed == 1
    assert pacing.due > 0


async def test_what_waits_can_be_handed_out_now(pacing: Pacing) -> None:
    edge = Edge(pacing)
    now = asyncio.get_running_loop().time()
    pacing.took(now, now + 30)
    edge.handout.put("a", b"1")
    edge.handout.run()
    assert edge.shown == [("a", [b"1"])]
    edge.handout.run()
    assert len(edge.turns) == 1


async def test_what_nobody_wants_any_more_is_not_shown(pacing: Pacing) -> None:
    edge = Edge(pacing)
    edge.handout.put("a", b"1")
    edge.handout.forget("a")
    edge.handout.forget("b")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert edge.shown == []
    assert edge.turns == []
    edge.handout.put("b", b"2")
    edge.handout.close()
    edge.handout.put("b", b"3")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert edge.shown == []
