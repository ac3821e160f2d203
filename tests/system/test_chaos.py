"""Faults at random, several at a time, under load. `CHAOS_SEEDS=1,2,3` makes other runs than the usual."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from danmaku.servers import Running
from tests.system.checker import stored_history
from tests.system.crowd import COLD, HOT, Crowd
from tests.system.fleet import Edge, Fleet, Part, fleet

pytestmark = pytest.mark.long

SECONDS = 27.0  # that the senders take
FAULTS_S = 25.0
HEALED_S = 90.0  # within which everything is taken after the last fault

SEEDS = [int(seed) for seed in os.environ.get("CHAOS_SEEDS", "7").split(",")]

Fault = Callable[[Part | Running], Awaitable[None]]


class Chaos:
    """Does one thing after the other to parts of a fleet, and heals each, while others are still ill."""

    def __init__(self, whole: Fleet, seed: int) -> None:
        self._whole = whole
        self._random = random.Random(seed)  # noqa: S311  a seed makes failures repeatable
        self._ill: set[object] = set()
        self.done: list[str] = []

    async def run(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        async with asyncio.TaskGroup() as tasks:
            while loop.time() < end:
                if healthy := [part for part in self._parts if part not in self._ill]:
                    part = self._random.choice(healthy)
                    tasks.create_task(self._suffer(part, self._random.choice(self._faults(part))))
                await asyncio.sleep(self._random.uniform(0.3, 3.0))

    @property
    def _parts(self) -> list[Part | Running]:
        return [*self._whole.rooms, *self._whole.edges, self._whole.nats, self._whole.valkey]

    def _faults(self, part: Part | Running) -> list[Fault]:
        faults: list[Fault] = [self._kill, self._freeze]
        return [*faults, self._stop] if isinstance(part, Part) else faults

    async def _suffer(self, part: Part | Running, fault: Fault) -> None:
        self._ill.add(part)
        name = part.name if isinstance(part, Part) else part.server.name
        self.done.append(f"{fault.__name__.strip('_')} {name}")
        await fault(part)
        self._ill.discard(part)

    async def _kill(self, part: Part | Running) -> None:
        part.kill()
        await asyncio.sleep(self._random.uniform(0.2, 3.0))
        await self._start(part)

    async def _freeze(self, part: Part | Running) -> None:
        os.kill(part.pid, signal.SIGSTOP)
        await asyncio.sleep(self._random.uniform(0.2, 6.0))
        os.kill(part.pid, signal.SIGCONT)

    async def _stop(self, part: Part | Running) -> None:
        await asyncio.to_thread(part.stop)
        await self._start(part)

    async def _start(self, part: Part | Running) -> None:
        if isinstance(part, Running):
            await self._whole.start_server(part)
        else:
            part.start()
        if isinstance(part, Edge):
            await self._whole.until_ready(part)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", SEEDS)
async def test_nothing_acknowledged_is_lost_whatever_happens(seed: int, tmp_path: Path) -> None:
    async with fleet(tmp_path, edges=2, rooms=3) as whole:
        crowd = Crowd(whole)
        await crowd.come()
        chaos = Chaos(whole, seed)
        saying = asyncio.create_task(crowd.say(SECONDS))
        await chaos.run(FAULTS_S)
        async with asyncio.timeout(HEALED_S):
            await saying
        history = stored_history(whole.store_socket, [HOT, *COLD])
        await crowd.catch_up(history)
        await crowd.go()
        report = crowd.judge(history)
        print(f"\nseed {seed}: {', '.join(chaos.done)}\n{report}")
        answers = {attempt.answer for attempt in crowd.attempts()}
        assert answers <= {"shown", "unavailable", "gone"}, answers
        assert not report.problems, "\n".join([*report.problems[:40], whole.said[-20_000:]])
