"""Kill, stop or freeze any part under load: what was acknowledged is kept and seen once, in order, by all.

The load of each case: three senders into one room, twenty into fifty, 200 viewers over two edges and two
rooms processes. The verdict is that of tests/system/checker.py.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pytest

from tests.system.checker import Item, Report, check, stored_history
from tests.system.crowd import Attempt, Sender, Viewer
from tests.system.fleet import Fleet, fleet

History = dict[str, list[Item]]

HOT = "hot"
COLD = [f"room-{number}" for number in range(50)]
HOT_SENDERS, COLD_SENDERS = 3, 20
HOT_VIEWERS, COLD_VIEWERS = 140, 60
HOT_COMMENTS, COLD_COMMENTS = 2000, 100
SECONDS = 25.0  # that the senders take
CALM_S = 4.0  # before the fault
ROOMS_PER_VIEWER = 5
FLOW_S = 6.0  # acknowledgements flow again so soon after a fault is healed
REFUSED_S = 5.0  # the longest a sender waits for a no
SLACK_S = 1.0  # for clients that share two cores with everything else
CAUGHT_UP_S = 20.0


async def kill_owner(whole: Fleet) -> float:
    part = await whole.owner(HOT)
    part.kill()
    return time.monotonic()


async def freeze_owner(whole: Fleet) -> float:
    part = await whole.owner(HOT)
    part.freeze()
    began = time.monotonic()
    await asyncio.sleep(8)
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
    await asyncio.sleep(10)
    await whole.start_server(whole.nats)
    return time.monotonic()


async def stop_store(whole: Fleet) -> float:
    whole.valkey.kill()
    await asyncio.sleep(10)
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
    return began


@dataclass(frozen=True)
class Fault:
    """`inject` returns when acknowledgements have to begin to flow again."""

    inject: Callable[[Fleet], Awaitable[float]]
    cuts_viewers: bool = False
    refuses: bool = True


FAULTS = {
    "owner_killed": Fault(kill_owner),
    "owner_frozen": Fault(freeze_owner),
    "edge_killed": Fault(kill_edge, cuts_viewers=True),
    "bus_away": Fault(stop_bus),
    "store_away": Fault(stop_store),
    "store_frozen": Fault(freeze_store),
    "owner_told_to_stop": Fault(stop_owner, refuses=False),
    "rooms_process_added": Fault(add_rooms_process, refuses=False),
}


class Crowd:
    """Who watches and who sends in one run."""

    def __init__(self, whole: Fleet) -> None:
        urls = [edge.ws for edge in whole.edges]
        self.viewers = [_viewer(number, urls) for number in range(HOT_VIEWERS + COLD_VIEWERS)]
        self.senders = [
            Sender(f"s{number}", urls[number % 2 :] + urls[: number % 2], whole.token(f"s{number}"))
            for number in range(HOT_SENDERS + COLD_SENDERS)
        ]
        self._watching: list[asyncio.Task[None]] = []

    async def come(self) -> None:
        """Everybody joins before anything is said."""
        for viewer in self.viewers:
            self._watching.append(asyncio.create_task(viewer.run()))
        async with asyncio.timeout(60):
            for viewer in self.viewers:
                await viewer.joined.wait()

    async def say(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for sender in self.senders[:HOT_SENDERS]:
                tasks.create_task(sender.say([HOT], HOT_COMMENTS, SECONDS))
            for number, sender in enumerate(self.senders[HOT_SENDERS:]):
                turned = COLD[number:] + COLD[:number]
                rooms = turned[:: len(COLD) // 10]  # each sender in ten of them
                tasks.create_task(sender.say(rooms, COLD_COMMENTS, SECONDS))

    async def catch_up(self, history: History) -> None:
        """Return when nothing is missing, or what is still missing does not come."""
        deadline = time.monotonic() + CAUGHT_UP_S
        while self._missing(history) and time.monotonic() < deadline:  # noqa: ASYNC110  many things at once
            await asyncio.sleep(0.1)

    def _missing(self, history: History) -> int:
        """Items that viewers have not shown yet."""
        return sum(
            max(0, len(history[room]) - len(follower.log))
            for viewer in self.viewers
            for room, follower in viewer.rooms.items()
        )

    def attempts(self) -> list[Attempt]:
        return list(chain.from_iterable(sender.attempts for sender in self.senders))

    async def go(self) -> None:
        for task in self._watching:
            task.cancel()
        for outcome in await asyncio.gather(*self._watching, return_exceptions=True):
            assert isinstance(outcome, asyncio.CancelledError), outcome


def _viewer(number: int, urls: list[str]) -> Viewer:
    rooms = [HOT] if number < HOT_VIEWERS else _spread(number)
    kind = "json" if number % 3 == 2 else "msgpack"
    return Viewer(f"v{number}", kind, urls[number % 2 :] + urls[: number % 2], rooms)


def _spread(number: int) -> list[str]:
    return [COLD[(number * ROOMS_PER_VIEWER + step) % len(COLD)] for step in range(ROOMS_PER_VIEWER)]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", FAULTS)
async def test_nothing_acknowledged_is_lost(name: str, tmp_path: Path) -> None:
    fault = FAULTS[name]
    async with fleet(tmp_path, edges=2, rooms=2) as whole:
        crowd = Crowd(whole)
        await crowd.come()
        saying = asyncio.create_task(crowd.say())
        await asyncio.sleep(CALM_S)
        flows = await fault.inject(whole)
        async with asyncio.timeout(120):
            await saying
        history = stored_history(whole.store_socket, [HOT, *COLD])
        await crowd.catch_up(history)
        await crowd.go()
        report = judge(crowd, history)
        print(f"\n{name}: {report}")
        report.problems += service(crowd, fault, flows)
        assert not report.problems, "\n".join([*report.problems[:40], whole.said[-20_000:]])


def judge(crowd: Crowd, history: History) -> Report:
    acknowledged = list(chain.from_iterable(sender.acknowledged for sender in crowd.senders))
    logs = {
        viewer.name: {room: follower.log for room, follower in viewer.rooms.items()}
        for viewer in crowd.viewers
    }
    report = check(acknowledged, logs, history)
    assert report.acknowledged == HOT_SENDERS * HOT_COMMENTS + COLD_SENDERS * COLD_COMMENTS
    return report


def service(crowd: Crowd, fault: Fault, flows: float) -> list[str]:
    """What senders and viewers noticed that they should not have."""
    problems = []
    attempts = crowd.attempts()
    allowed = {
        "shown",
        *(["unavailable"] if fault.refuses else []),
        *(["gone"] if fault.cuts_viewers else []),
    }
    for attempt in attempts:
        if attempt.answer not in allowed:
            problems.append(f"a comment was not taken: {attempt}")
        elif attempt.answer == "unavailable" and attempt.answered_s - attempt.sent_s > REFUSED_S + SLACK_S:
            problems.append(f"a refusal took too long: {attempt}")
    for room in [HOT, *COLD]:
        shown = [one.answered_s for one in attempts if one.room == room and one.answer == "shown"]
        first = min((at for at in shown if at >= flows), default=None)
        if first is None or first - flows > FLOW_S:
            problems.append(
                f"{room}: acknowledged again {first and first - flows} s after the fault was over"
            )
    if not fault.cuts_viewers:
        problems += [f"{viewer.name} was cut off: {viewer.ends}" for viewer in crowd.viewers if viewer.ends]
    problems += [
        f"{viewer.name} gave something up in {room}"
        for viewer in crowd.viewers
        for room, follower in viewer.rooms.items()
        if follower.given_up or follower.skipped
    ]
    refused = sum(attempt.answer == "unavailable" for attempt in attempts)
    print(f"{len(attempts)} sends, {refused} refused as unavailable")
    return problems
