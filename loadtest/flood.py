"""One hot room while somebody floods the service: quiet windows and flooded ones in turn.

What counts is how much later everybody else sees comments, and what it costs the edge in memory. Both kinds
of window are taken beside each other, so that their ratio does not hang on the hour's mood of the machine.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from loadtest import fanout, flooder, processes
from loadtest.fanout import Result, Say
from loadtest.service import Service


class Flooder:
    """A process that does harm between `begin` and `end`."""

    def __init__(self, plan: flooder.Plan) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=flooder.main, args=(plan, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def begin(self) -> None:
        self._pipe.send("begin")

    async def end(self) -> dict[str, Any]:
        """A flooder.Harm."""
        self._pipe.send("end")
        harm: dict[str, Any] = await asyncio.to_thread(self._pipe.recv)
        return harm

    async def stop(self) -> None:
        if self._process.is_alive():
            self._pipe.send("stop")
        await asyncio.to_thread(self._process.join, 10)
        if self._process.is_alive():
            self._process.kill()


async def run(plan: fanout.Fanout, harm: flooder.Plan, service: Service, say: Say) -> Result:
    """Run all windows. Returns the figures under stable keys. Raises ConnectionError."""
    async with AsyncExitStack() as stack:
        own = processes.family(service.pid) if service.pid else []
        people = await stack.enter_async_context(fanout.viewers(plan, service.host, service.port))
        joined, _ = await people.joined()
        say(f"{joined} viewers joined")
        senders = [
            await stack.enter_async_context(fanout.sender(plan, service, n)) for n in range(fanout.SENDERS)
        ]
        bad = await stack.enter_async_context(_flooder(harm))
        quiet, flooded, harms = [], [], []
        before = processes.edge_rss(own)
        for _ in range(plan.rounds):
            quiet.append(await fanout.window(plan, people, senders, None, own))
            bad.begin()
            flooded.append(await fanout.window(plan, people, senders, None, own))
            harms.append(await bad.end())
            say(_line(quiet[-1], flooded[-1], harms[-1]))
        grown = processes.edge_rss(own) - before
    return _summary(plan, joined, quiet, flooded, harms, grown)


@asynccontextmanager
async def _flooder(plan: flooder.Plan) -> AsyncIterator[Flooder]:
    running = Flooder(plan)
    try:
        yield running
    finally:
        await running.stop()


def _summary(
    plan: fanout.Fanout,
    joined: int,
    quiet: list[Result],
    flooded: list[Result],
    harms: list[dict[str, Any]],
    grown: int,
) -> Result:
    windows = [*quiet, *flooded]
    ended = sum((Counter(harm["ended"]) for harm in harms), Counter[str]())
    quiet_ms, flooded_ms = _latency(quiet), _latency(flooded)
    return {
        "viewers": joined,
        **{key: sum(part[key] for part in windows) for key in ("expected", "delivered", "lost", "closed")},
        "quiet_latency_ms": quiet_ms,
        "flooded_latency_ms": flooded_ms,
        "p99_ratio": flooded_ms["p99"] / quiet_ms["p99"],
        "quiet_edge_cpu_s": statistics.median(part["cpu_s"].get("edge", 0.0) for part in quiet),
        "flooded_edge_cpu_s": statistics.median(part["cpu_s"].get("edge", 0.0) for part in flooded),
        "edge_rss_growth_bytes": grown,
        "flood_connections": sum(harm["connections"] for harm in harms),
        "flood_frames": sum(harm["frames"] for harm in harms),
        "flood_frames_per_s": sum(harm["frames"] for harm in harms) / plan.seconds / plan.rounds,
        "flood_ended": dict(ended),
    }


def _latency(windows: list[Result]) -> dict[str, float]:
    names = windows[0]["latency_ms"]
    return {name: statistics.median(part["latency_ms"][name] for part in windows) for name in names}


def _line(quiet: Result, flooded: Result, harm: dict[str, Any]) -> str:
    return (
        f"p99 {quiet['latency_ms']['p99']:.1f} ms quiet, {flooded['latency_ms']['p99']:.1f} ms flooded with "
        f"{harm['frames']} frames over {harm['connections']} connections, which ended: {harm['ended']}"
    )
