"""`spread`: the same hot room on one edge worker, and on several."""

from __future__ import annotations

import asyncio
import re
import statistics
import urllib.request
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Annotated, Final

import typer

from loadtest import options
from loadtest.figures import Result, summary
from loadtest.load import hot_room
from loadtest.measurement import Measurement, line, measurement
from loadtest.options import Target
from loadtest.scenario import Scenario, room_for
from loadtest.service import Service, own_service
from loadtest.view import View

_COUNTER: Final = re.compile(r"^danmaku_(edge|rooms)_batches_total (\S+)$", re.MULTILINE)
_SETTLE_S: Final = 3.0  # counters are handed over about once a second


@dataclass(frozen=True, slots=True)
class Spread(Scenario):
    """What the same room costs on --workers edge workers, against one: CPU of edges per frame, and how often
    the bus carries each batch.

    Two services of its own run side by side, and their windows take turns.

    Example: python -m loadtest spread --workers 2
    """

    viewers: options.Viewers = 5000
    rate: options.Rate = 20.0
    payload: options.Payload = 100
    workers: Annotated[int, typer.Option(min=2, max=64, help="Edge workers of the second service.")] = 2
    seconds: options.Seconds = 8.0
    rounds: Annotated[int, typer.Option(min=1, help="Pairs of windows; figures are medians.")] = 5

    async def measure(self, target: Target, view: View) -> Result:
        if target.url:
            raise typer.BadParameter("spread compares two services of its own: leave out --url")
        async with AsyncExitStack() as stack:
            one, several = [await self._started(stack, workers, view) for workers in (1, self.workers)]
            for number in range(self.rounds):
                for side in (one, several):
                    name = f"{side.workers} of edge workers, window {number + 1} of {self.rounds}"
                    side.windows.append(await side.running.window(self.seconds, name))
                    view.say(f"{side.workers}: {line(side.windows[-1])}")
            await asyncio.sleep(_SETTLE_S)
            carried = [await side.carried() for side in (one, several)]
        single, spread = one.cpu_us_per_frame(), several.cpu_us_per_frame()
        return {
            **several.running.joining,
            **summary([*one.windows, *several.windows]),
            "edge_cpu_us_per_frame_of_one": single,
            "edge_cpu_us_per_frame_of_several": spread,
            "cpu_ratio": spread / single,
            "bus_messages_per_batch_of_one": carried[0],
            "bus_messages_per_batch_of_several": carried[1],
        }

    async def _started(self, stack: AsyncExitStack, workers: int, view: View) -> _Side:
        view.phase(f"starting a service with {workers} of edge workers")
        service = await stack.enter_async_context(own_service(room_for(self.viewers), workers))
        load = hot_room("hot", self.viewers, self.rate, self.payload)
        running = await stack.enter_async_context(measurement(load, service, view))
        return _Side(workers, service, running, await _batches(service), [])


@dataclass(frozen=True, slots=True)
class _Side:
    workers: int
    service: Service
    running: Measurement
    before: Counter[str]
    windows: list[Result]

    def cpu_us_per_frame(self) -> float:
        costs: list[float] = [window["cpu_us_per_frame"] for window in self.windows]
        return statistics.median(costs)

    async def carried(self) -> float:
        """To how many edge workers the bus brought a batch, on average."""
        made = await _batches(self.service) - self.before
        return made["edge"] / made["rooms"]


async def _batches(service: Service) -> Counter[str]:
    """By who counted them: rooms processes what they made, edge workers what came to them."""
    url = f"http://{service.host}:{service.port}/metrics"
    text = await asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=5).read().decode())
    return Counter({kind: int(float(count)) for kind, count in _COUNTER.findall(text)})
