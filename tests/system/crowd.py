"""Everybody who watches and sends in one run of a fault test: into one hot room and fifty others."""

from __future__ import annotations

import asyncio
import time
from itertools import chain

from tests.system.checker import Item, Report, check
from tests.system.clients import Attempt, Sender, Viewer
from tests.system.fleet import Fleet
from tests.system.lateness import Lateness

History = dict[str, list[Item]]

HOT = "hot"
COLD = [f"room-{number}" for number in range(50)]
HOT_SENDERS, COLD_SENDERS = 3, 20
HOT_VIEWERS, COLD_VIEWERS = 140, 60
HOT_PER_S, COLD_PER_S = 80, 4  # comments of each of them
ROOMS_PER_VIEWER = 5
CAUGHT_UP_S = 20.0


class Crowd:
    """Who watches and who sends in one run, and how late that was seen."""

    def __init__(self, whole: Fleet) -> None:
        urls = [edge.ws for edge in whole.edges]
        self.viewers = [_viewer(number, urls) for number in range(HOT_VIEWERS + COLD_VIEWERS)]
        self.senders = [
            Sender(f"s{number}", urls[number % 2 :] + urls[: number % 2], whole.token(f"s{number}"))
            for number in range(HOT_SENDERS + COLD_SENDERS)
        ]
        self._lateness = Lateness()
        self._said = 0
        self._watching: list[asyncio.Task[None]] = []

    async def come(self) -> None:
        """Everybody joins before anything is said."""
        self._watching.append(asyncio.create_task(self._lateness.watch()))
        for viewer in self.viewers:
            self._watching.append(asyncio.create_task(viewer.run()))
        async with asyncio.timeout(60):
            for viewer in self.viewers:
                await viewer.joined.wait()

    async def say(self, seconds: float) -> None:
        """Comments of everybody, evenly over so many seconds; until all of them are acknowledged."""
        hot, cold = round(HOT_PER_S * seconds), round(COLD_PER_S * seconds)
        self._said += HOT_SENDERS * hot + COLD_SENDERS * cold
        async with asyncio.TaskGroup() as tasks:
            for sender in self.senders[:HOT_SENDERS]:
                tasks.create_task(sender.say([HOT], hot, seconds))
            for number, sender in enumerate(self.senders[HOT_SENDERS:]):
                turned = COLD[number:] + COLD[:number]
                rooms = turned[:: len(COLD) // 10]  # each sender in ten of them
                tasks.create_task(sender.say(rooms, cold, seconds))

    @property
    def late_s(self) -> float:
        return self._lateness.worst_s

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

    def judge(self, history: History) -> Report:
        """First what those viewers do now who have a problem, and how their connections ended."""
        acknowledged = list(chain.from_iterable(sender.acknowledged for sender in self.senders))
        logs = {
            viewer.name: {room: follower.log for room, follower in viewer.rooms.items()}
            for viewer in self.viewers
        }
        report = check(acknowledged, logs, history)
        assert report.acknowledged == self._said
        report.problems += [
            f"{viewer.name} gave something up in {room}"
            for viewer in self.viewers
            for room, follower in viewer.rooms.items()
            if follower.given_up or follower.skipped
        ]
        late = {problem.split()[0] for problem in report.problems}
        report.problems[:0] = [
            f"{viewer.name} {viewer.does}; its connections ended: {viewer.ends}"
            for viewer in self.viewers
            if viewer.name in late
        ]
        return report


def _viewer(number: int, urls: list[str]) -> Viewer:
    rooms = [HOT] if number < HOT_VIEWERS else _spread(number)
    kind = "json" if number % 3 == 2 else "msgpack"
    return Viewer(f"v{number}", kind, urls[number % 2 :] + urls[: number % 2], rooms)


def _spread(number: int) -> list[str]:
    return [COLD[(number * ROOMS_PER_VIEWER + step) % len(COLD)] for step in range(ROOMS_PER_VIEWER)]
