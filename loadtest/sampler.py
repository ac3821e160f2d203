"""What happens within a window, second by second, for whoever wants to see it over time."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

from loadtest.crowd import Crowd
from loadtest.figures import histogram
from loadtest.processes import Family, Meter
from loadtest.view import View

_EVERY_S: Final = 1.0
_LOOK_S: Final = 0.1
_LAST_S: Final = 3.0

Tally = dict[str, Any]
"""A checks.Tally."""


class Sampler:
    """Takes the crowd's tallies once a second. `tallies` are all of them, `last` those of the end."""

    def __init__(self, people: Crowd, family: Family, view: View, seconds: float) -> None:
        self.tallies: list[Tally] = []
        self.last: list[Tally] = []
        self.samples: list[dict[str, Any]] = []
        self._people = people
        self._family = family
        self._view = view
        self._seconds = seconds
        self._meter = Meter(family)
        self._begin = self._before = time.monotonic()
        self._task: asyncio.Task[None] | None = None
        self._taking = asyncio.Lock()  # one question and its answer at a time

    def start(self) -> None:
        """From now on; what came before is not looked at."""
        self._begin = self._before = time.monotonic()
        self._meter.start()
        self._task = asyncio.create_task(self._run())

    async def catch_up(self, expected: int) -> None:
        """Return when so much came, be it told to skip it, or no more comes for a while."""
        came, since = -1, time.monotonic()
        while (now := sum(one["deliveries"] + one["skipped"] for one in self.tallies)) < expected:
            if now != came:
                came, since = now, time.monotonic()
            elif time.monotonic() - since > _LAST_S:
                return
            await asyncio.sleep(_LOOK_S)
            await self._sample()

    async def stop(self) -> None:
        """Take what is left."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._sample()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_EVERY_S)
            await asyncio.shield(self._sample())  # a tally that was asked for must be taken

    async def _sample(self) -> None:
        async with self._taking:
            self._add(await self._people.take())

    def _add(self, tallies: list[Tally]) -> None:
        now = time.monotonic()
        self.tallies += tallies
        self.last = tallies
        if self.samples and now - self._before < _EVERY_S / 2:
            return  # a rest at the end
        seconds, self._before = max(now - self._before, 1e-3), now
        cpu_s = self._meter.stop()
        self._meter.start()
        latency = histogram(tally["latency"] for tally in tallies)
        sample = {
            "at_s": now - self._begin,
            "deliveries_per_s": sum(tally["deliveries"] for tally in tallies) / seconds,
            "missing": sum(tally["missing"] for tally in tallies),
            "latency_ms": {
                name: latency.get_value_at_percentile(point) / 1000
                for name, point in (("p50", 50), ("p99", 99))
            },
            "cpu_share": {kind: spent / seconds for kind, spent in cpu_s.items()},
            "rss_bytes": self._family.rss(),
        }
        self.samples.append(sample)
        inside = sum(tally["joined"] for tally in tallies)
        self._view.standing.connected = inside
        self._view.sample(sample, latency, now - self._begin, self._seconds)
