"""Kill, stop or freeze any part under load: what was acknowledged is kept and seen once, in order, by all.

The load of each case: three senders into one room, twenty into fifty, 200 viewers over two edges and two
rooms processes. The verdict is that of tests/system/checker.py.
"""

from __future__ import annotations

import asyncio
import math
import os
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.system.checker import stored_history
from tests.system.crowd import COLD, HOT, Crowd
from tests.system.fleet import Fleet, fleet

SECONDS = 12.0  # that the senders take
LONGER_S = 15.0  # where something is away
CALM_S = 3.0  # before the fault
AWAY_S = 7.0  # longer than a lease, and than a sender waits for a no
FLOW_S = 6.0  # acknowledgements flow again so soon after a fault is healed
REFUSED_S = 5.0  # the longest a sender waits for a no
SLACK_S = 1.0  # for clients that share two cores with everything else
LAST_S = 2.5  # then everybody says something in all of his rooms again
STALLED_S = 2.0  # where clients themselves were so late, the machine had time for nobody


async def kill_owner(whole: Fleet) -> float:
    part = await whole.owner(HOT)
    part.kill()
    return time.monotonic()


async def freeze_owner(whole: Fleet) -> float:
    part = await whole.owner(HOT)
    part.freeze()
    began = time.monotonic()
    await asyncio.sleep(AWAY_S)
    part.thaw()
    return began


async def kill_edge(whole: Fleet) -> float:
    edge = whole.edges[0]
    edge.kill()
    began = time.monotonic()
    await asyncio.sleep(2)
    edge.start()
    return began


async def stop_bus(whole: Fleet) -> float:
    whole.nats.kill()
    await asyncio.sleep(AWAY_S)
    await whole.start_server(whole.nats)
    return time.monotonic()


async def stop_store(whole: Fleet) -> float:
    whole.valkey.kill()
    await asyncio.sleep(AWAY_S)
    await whole.start_server(whole.valkey)
    return time.monotonic()


async def freeze_store(whole: Fleet) -> float:
    os.kill(whole.valkey.pid, signal.SIGSTOP)
    await asyncio.sleep(2)
    os.kill(whole.valkey.pid, signal.SIGCONT)
    return time.monotonic()


async def stop_owner(whole: Fleet) -> float:
    part = await whole.owner(HOT)
    began = time.monotonic()
    assert await asyncio.to_thread(part.stop) == 0, part.said
    return began


async def add_rooms_process(whole: Fleet) -> float:
    began = time.monotonic()
    whole.add_rooms()
    await whole.until_shared()
    return began


@dataclass(frozen=True)
class Fault:
    """`inject` returns when acknowledgements have to begin to flow again.

    moves: rooms change their owner; None: they may, on a busy machine. cuts: connections of an edge end.
    refuses: some sends are refused. seconds: that the senders take.
    """

    inject: Callable[[Fleet], Awaitable[float]]
    moves: bool | None = False
    cuts: bool = False
    refuses: bool = False
    seconds: float = SECONDS


FAULTS = {
    "owner_killed": Fault(kill_owner, moves=True),
    "owner_frozen": Fault(freeze_owner, moves=True, seconds=LONGER_S),
    "owner_told_to_stop": Fault(stop_owner, moves=True),
    "rooms_process_added": Fault(add_rooms_process, moves=True),
    "edge_killed": Fault(kill_edge, cuts=True),
    "bus_away": Fault(stop_bus, moves=True, refuses=True, seconds=LONGER_S),
    "store_away": Fault(stop_store, moves=True, refuses=True, seconds=LONGER_S),
    "store_frozen": Fault(freeze_store, moves=None),
}
MAY_REFUSE = {"owner_killed", "owner_frozen", "edge_killed", "store_frozen"}  # on a busy machine


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", FAULTS)
async def test_nothing_acknowledged_is_lost(name: str, tmp_path: Path) -> None:
    fault = FAULTS[name]
    async with fleet(tmp_path, edges=2, rooms=2) as whole:
        crowd = Crowd(whole)
        await crowd.come()
        saying = asyncio.create_task(crowd.say(fault.seconds))
        await asyncio.sleep(CALM_S)
        flows = await fault.inject(whole)
        try:
            async with asyncio.timeout(120):
                await saying
                await crowd.say(LAST_S)
        except TimeoutError:
            last = "\n".join(map(str, crowd.attempts()[-40:]))
            pytest.fail(f"not all was taken in time; the last attempts:\n{last}\n{whole.said[-20_000:]}")
        history = stored_history(whole.store_socket, [HOT, *COLD])
        await crowd.catch_up(history)
        await crowd.go()
        report = crowd.judge(history)
        notices = Notices(crowd, flows)
        print(f"\n{name}: {report}\n{notices}")
        problems = [*report.problems, *notices.problems(fault, may_refuse=name in MAY_REFUSE)]
        assert fault.moves in (None, report.epochs > report.rooms), "the fault did not happen"
        assert not problems, "\n".join([*problems[:40], whole.said[-20_000:]])


class Notices:
    """What senders and viewers noticed of a fault."""

    def __init__(self, crowd: Crowd, flows: float) -> None:
        self._late_s = crowd.late_s
        self._attempts = attempts = crowd.attempts()
        self._refused = [one for one in attempts if one.answer == "unavailable"]
        self._lost = [one for one in attempts if one.answer == "gone"]
        self._cut = [viewer.name for viewer in crowd.viewers if viewer.ends]
        self._waits = {room: self._wait(room, flows) for room in [HOT, *COLD]}

    def _wait(self, room: str, flows: float) -> float:
        """Seconds until something said in the room was acknowledged again."""
        shown = (one.answered_s for one in self._attempts if one.room == room and one.answer == "shown")
        return min((at - flows for at in shown if at >= flows), default=math.inf)

    def __str__(self) -> str:
        return (
            f"{len(self._attempts)} sends: {len(self._refused)} refused, {len(self._lost)} without answer; "
            f"{len(self._cut)} viewers reconnected; acknowledged again everywhere "
            f"after {max(self._waits.values()):.1f} s; refused after {self._longest_s:.1f} s at most; "
            f"measured {self._late_s:.1f} s late at worst"
        )

    @property
    def _longest_s(self) -> float:
        return max((one.seconds for one in self._refused), default=0.0)

    def problems(self, fault: Fault, *, may_refuse: bool) -> list[str]:
        stalled = self._late_s > STALLED_S  # then more is refused, and connections end
        problems = [
            f"{room}: acknowledged again after {wait:.1f} s"
            for room, wait in self._waits.items()
            if wait > FLOW_S + 2 * self._late_s  # so late was this process, and perhaps the owner
        ]
        known = {"shown", "unavailable", "gone"}
        problems += [f"refused: {one}" for one in self._attempts if one.answer not in known]
        longest_s = REFUSED_S + SLACK_S + 2 * self._late_s
        problems += [f"refused late: {one}" for one in self._refused if one.seconds > longest_s]
        if bool(self._refused) is not fault.refuses and not (self._refused and (may_refuse or stalled)):
            problems.append(f"{len(self._refused)} sends were refused, like {self._refused[:3]}")
        cuts = {bool(self._cut), bool(self._lost)}
        if cuts != {fault.cuts} and (fault.cuts or not stalled):
            problems.append(f"connections ended, of viewers {self._cut[:9]} and senders {self._lost[:3]}")
        return problems
