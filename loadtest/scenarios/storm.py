"""`storm`: all come at once, or all come back at once; what those who are there already notice of it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

import typer

from loadtest import options
from loadtest.crowd import Audience, Crowd, crowd
from loadtest.figures import Result, summary, tallied
from loadtest.load import Load, hot_room
from loadtest.measurement import Measurement, measurement
from loadtest.processes import Family
from loadtest.scenario import OnService, room_for
from loadtest.service import Service
from loadtest.view import View

_SLICE_S: Final = 0.5
_BACK_S: Final = 60.0
_ADDRESSES: Final = 500  # where newcomers come from


@dataclass(frozen=True, slots=True)
class Storm(OnService):
    """--newcomers join a room at once: how fast they get in, and how late others see comments meanwhile.

    With --reconnect nobody is new: one of two edge workers is killed while --viewers watch, and those whom
    it served come back with `since`. That needs a service of its own.

    Example: python -m loadtest storm --reconnect --viewers 10000
    """

    viewers: options.Viewers = 500
    newcomers: Annotated[int, typer.Option(min=1, help="So many more join, as fast as they can.")] = 15_000
    reconnect: Annotated[bool, typer.Option("--reconnect", help="Kill an edge worker instead.")] = False
    rate: options.Rate = 20.0
    seconds: options.Seconds = 5.0
    processes: options.Processes = 1
    subprotocol: options.Sub = options.Subprotocol.MSGPACK

    @property
    def workers(self) -> int:
        return 2 if self.reconnect else 1

    def settings(self) -> dict[str, str]:
        return room_for(self.viewers + self.newcomers)

    async def run(self, service: Service, view: View) -> Result:
        if not self.reconnect:
            return await self._join(service, view)
        if not service.pid:
            raise typer.BadParameter(
                "--reconnect kills an edge worker: it needs a service of its own, no --url"
            )
        return await self._reconnect(service, view)

    def _load(self, viewers: int) -> Load:
        return hot_room("hot", viewers, self.rate, 100, self.subprotocol.protocol, self.processes)

    async def _join(self, service: Service, view: View) -> Result:
        load = self._load(self.viewers)
        newcomers = Audience(
            (("hot", self.newcomers),), load.protocol, self.processes, first_address=_ADDRESSES
        )
        async with AsyncExitStack() as stack:
            running = await stack.enter_async_context(measurement(load, service, view))
            quiet = await running.window(self.seconds, "before the storm")
            view.say(f"{self.viewers} viewers watch, p99 {quiet['latency_ms']['p99']:.0f} ms")
            storm = await stack.enter_async_context(crowd(service.host, service.port, newcomers))
            await storm.ready()
            before, spent_s = running.family.edge_rss(), running.family.edge_cpu_s()
            stormy, joined, seconds = await _during(running, storm)
            grown, edge_s = running.family.edge_rss() - before, running.family.edge_cpu_s() - spent_s
            after = await running.window(self.seconds, "after the storm")
            told = _told(quiet, stormy, after)
            _add_newcomers(told, await storm.take())
        result = {
            **running.joining,
            **told,
            "newcomers": self.newcomers,
            "joined": joined,
            "storm_s": seconds,
            "connect_per_s": joined / seconds,
        }
        if running.family.processes:
            result["edge_cpu_us_per_join"] = edge_s / joined * 1e6
            result["rss_bytes_per_viewer"] = grown / joined
        return result

    async def _reconnect(self, service: Service, view: View) -> Result:
        load = replace(self._load(self.viewers), returning=True)
        async with measurement(load, service, view) as running:
            quiet = await running.window(self.seconds, "before the storm")
            view.say(f"{load.viewers} viewers watch, p99 {quiet['latency_ms']['p99']:.0f} ms")
            storm = asyncio.create_task(running.window(self.seconds, "an edge worker is killed"))
            await asyncio.sleep(self.seconds / 4)
            killed_at = _kill_one(running.family)
            stormy = [await storm]
            await _all_back(running, load.viewers, stormy)
            after = await running.window(self.seconds, "after the storm")
        returned = sum(part["returned"] for part in stormy)
        seconds = max(max(part["last_return_s"] for part in stormy) - killed_at, 1e-3)
        view.say(f"{returned} viewers were back {seconds:.1f} s after their worker was killed")
        return {
            **running.joining,
            **_told(quiet, stormy, after),
            "thrown_out": sum(part["closed"] for part in stormy),
            "returned": returned,
            "retries": sum(part["retries"] for part in stormy),
            "storm_s": seconds,
            "connect_per_s": returned / seconds,
        }


async def _during(running: Measurement, storm: Crowd) -> tuple[list[Result], int, float]:
    """Windows for as long as they join; how many did, and the seconds that took."""
    joining = asyncio.create_task(storm.joined())
    stormy: list[Result] = []
    try:
        while not joining.done():
            stormy.append(await running.window(_SLICE_S, "the storm"))
        joined, seconds = await joining
    finally:
        joining.cancel()
        await asyncio.gather(joining, return_exceptions=True)
    return stormy, joined, seconds


def _add_newcomers(told: Result, tallies: list[dict[str, Any]]) -> None:
    """What they saw wrong; what they should have got depends on when each of them joined."""
    told["closed"] += sum(tallied(tally["ended"] for tally in tallies).values())
    for key, name in (("duplicates", "duplicates"), ("out_of_order", "gaps"), ("misdirected", "misdirected")):
        told[key] += sum(tally[name] for tally in tallies)


def _kill_one(whole: Family) -> float:
    """SIGKILL for an edge worker; when that was."""
    os.kill(whole.pids("edge")[0], signal.SIGKILL)
    return time.monotonic()


async def _all_back(running: Measurement, viewers: int, stormy: list[Result]) -> None:
    """More windows until all viewers are inside. Raises ConnectionError when that takes a minute."""
    deadline = time.monotonic() + _BACK_S
    while (inside := stormy[-1]["inside"]) < viewers:
        if time.monotonic() > deadline:
            raise ConnectionError(f"only {inside} of {viewers} viewers came back in {_BACK_S:.0f} s")
        stormy.append(await running.window(_SLICE_S, "all come back"))
    running.family.look()  # there is a new worker


def _told(quiet: Result, stormy: list[Result], after: Result) -> Result:
    windows = [quiet, *stormy, after]
    return {
        **summary(windows),
        "quiet_latency_ms": quiet["latency_ms"],
        "stormy_latency_ms": {
            name: max(part["latency_ms"][name] for part in stormy) for name in quiet["latency_ms"]
        },
        "after_latency_ms": after["latency_ms"],
    }
