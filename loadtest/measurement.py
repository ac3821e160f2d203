"""Rooms with viewers and comments, watched in windows: everything received is checked and counted.

With a floor, windows of the service and of the bare send(2) loop alternate, with the same number of
sockets read by the same kind of swarm, so that their ratio does not hang on the hour's mood of the machine.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

from loadtest import floor
from loadtest.crowd import Audience, Crowd, crowd
from loadtest.figures import Result, histogram, percentiles, tallied, total
from loadtest.load import Load
from loadtest.processes import Family, Meter
from loadtest.sampler import Sampler
from loadtest.senders import Sender, Sent, Speaker
from loadtest.service import Service, free_port
from loadtest.view import View

_SETTLE_S: Final = 11.0  # how many came is told some times
_FLOOR_ADDRESSES: Final = 1000
_TALLIED: Final = (
    "frames", "size", "batches", "deliveries", "recovered", "skipped", "returned", "retries",
)  # fmt: skip


class Measurement:
    """A running one: the viewers have joined, the senders are there. `joining` tells what that cost."""

    def __init__(
        self,
        load: Load,
        people: Crowd,
        senders: Sequence[Speaker],
        below: floor.Floor | None,
        whole: Family,
        view: View,
        joining: Result,
    ) -> None:
        self.people = people
        self.family = whole
        self.joining = joining
        self._load = load
        self._senders = senders
        self._below = below
        self._view = view

    async def rounds(self, count: int, seconds: float) -> list[Result]:
        """Windows one after the other, each told as it ends. Raises ConnectionError."""
        rounds: list[Result] = []
        for number in range(count):
            rounds.append(await self.window(seconds, f"window {number + 1} of {count}"))
            self._view.say(line(rounds[-1]))
        return rounds

    async def window(self, seconds: float, name: str, more: Sequence[Speaker] = ()) -> Result:
        """What the senders said, and `more` beside them, what the crowd got of it, and what that cost.

        Raises ConnectionError.
        """
        result: Result = {}
        if self._below:
            self._view.phase(f"{name}: the floor")
            frames, cpu, failed = await self._below.window(seconds)
            result["floor_cpu_us_per_frame"] = cpu / max(frames, 1) * 1e6
            result["floor_failed"] = failed
        self._view.phase(name)
        first = await self.people.take()
        sampler = Sampler(self.people, self.family, self._view, seconds)
        meter = Meter(self.family)
        meter.start()
        sampler.start()
        try:
            sent = await self._speak(seconds, more)
            await sampler.catch_up(self._expected(sent))
            cpu_s = meter.stop()
        finally:
            await sampler.stop()
        result |= self._figures(seconds, sent, sampler.tallies, cpu_s)
        result |= _wrong([*first, *sampler.tallies])
        result["inside"] = sum(tally["joined"] for tally in sampler.last)
        result["client_cpu_s"] = _cpu_s(sampler.last) - _cpu_s(first)
        result["samples"] = sampler.samples
        if self._below and self.family.processes:
            floor_us = result["floor_cpu_us_per_frame"]
            result["ratio_to_floor"] = result["cpu_us_per_frame"] / floor_us
            result["floor_deliveries_per_cpu_s"] = result["items_per_frame"] / floor_us * 1e6
        return result

    async def _speak(self, seconds: float, more: Sequence[Speaker]) -> list[Sent]:
        begin = time.time_ns()
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one.run(begin, seconds)) for one in (*self._senders, *more)]
        except* ConnectionError as lost:
            raise lost.exceptions[0] from None
        if not tasks:
            await asyncio.sleep(seconds)
        return [task.result() for task in tasks]

    def _expected(self, sent: Iterable[Sent]) -> int:
        shown = tallied(part.shown for part in sent)
        return sum(shown.get(room.name, 0) * room.viewers for room in self._load.rooms)

    def _figures(
        self,
        seconds: float,
        sent: list[Sent],
        tallies: list[dict[str, Any]],
        cpu_s: dict[str, float],
    ) -> Result:
        came = total(tallies, _TALLIED)
        expected = self._expected(sent)
        return {
            "offered": sum(part.offered for part in sent),
            "shown": sum(part.shown.total() for part in sent),
            "shed": sum(part.shed for part in sent),
            "unanswered": sum(part.unanswered for part in sent),
            "refused": tallied(part.refused for part in sent),
            "expected": expected,
            "delivered": came["deliveries"],
            "lost": expected - came["deliveries"] - came["skipped"],
            "skipped": came["skipped"],
            "recovered": came["recovered"],
            "returned": came["returned"],
            "most_returns": max(tally["most_returns"] for tally in tallies),
            "retries": came["retries"],
            "last_return_s": max(tally["last_return_s"] for tally in tallies),
            "frames": came["frames"],
            "frame_bytes": came["size"] / max(came["frames"], 1),
            "items_per_frame": (came["deliveries"] - came["recovered"]) / max(came["batches"], 1),
            "deliveries_per_s": came["deliveries"] / seconds,
            "frames_per_s": came["frames"] / seconds,
            "latency_ms": percentiles(histogram(tally["latency"] for tally in tallies)),
            "away_ms": percentiles(histogram(tally["away"] for tally in tallies if tally["away"])),
            **_costs(came, cpu_s),
        }


def _wrong(tallies: list[dict[str, Any]]) -> Result:
    """What should not be, also between two windows."""
    ended = tallied(tally["ended"] for tally in tallies)
    return {
        **total(tallies, ("duplicates", "misdirected")),
        "out_of_order": sum(tally["gaps"] for tally in tallies),
        "closed": sum(ended.values()),
        "closed_with": ended,
    }


def _costs(came: dict[str, int], cpu_s: dict[str, float]) -> Result:
    """Nothing of a service that is not ours."""
    if not cpu_s:
        return {"cpu_s": {}}
    return {
        "cpu_s": cpu_s,
        "cpu_us_per_frame": cpu_s.get("edge", 0.0) / max(came["frames"], 1) * 1e6,
        "cpu_us_per_delivery": sum(cpu_s.values()) / max(came["deliveries"], 1) * 1e6,
        "deliveries_per_cpu_s": came["deliveries"] / max(sum(cpu_s.values()), 1e-9),
    }


def _cpu_s(tallies: list[dict[str, Any]]) -> float:
    """Seconds that the swarm processes have used until then."""
    return sum(float(tally["cpu_s"]) for tally in tallies)


@asynccontextmanager
async def measurement(
    load: Load,
    service: Service,
    view: View,
    *,
    idle_s: float = 0.0,
    with_floor: bool = False,
    below: floor.Floor | None = None,
) -> AsyncIterator[Measurement]:
    """Let all viewers join, watch them in silence for `idle_s`, then bring in senders, and the floor unless
    `below` is one.

    Raises ConnectionError, floor.NoCompiler.
    """
    whole = Family(service.pid)
    async with AsyncExitStack() as stack:
        people = await stack.enter_async_context(crowd(service.host, service.port, load.audience()))
        joining = await join(people, load.viewers, whole, view, idle_s)
        url = f"ws://{service.host}:{service.port}/v1/ws"
        senders = [
            await stack.enter_async_context(
                Sender(
                    url, clocks, service.token, load.text_size(), f"load-{number}", returning=load.returning
                )
            )
            for number, clocks in enumerate(load.clocks())
        ]
        if with_floor:
            below = await stack.enter_async_context(bare_loop(load, view))
        yield Measurement(load, people, senders, below, whole, view, joining)


async def join(people: Crowd, viewers: int, whole: Family, view: View, idle_s: float = 0.0) -> Result:
    """Let them come: how many, how fast, what each takes of memory, and of CPU in silence of `idle_s`.

    Raises ConnectionError.
    """
    await people.ready()
    before = whole.edge_rss()
    view.phase("joining", viewers)
    joined, seconds = await people.joined(lambda count: view.connected(count, viewers))
    view.connected(joined, viewers)
    view.say(f"{joined} viewers joined in {seconds:.1f} s")
    result: Result = {"viewers": joined, "connect_per_s": joined / seconds}
    if not whole.processes:
        return result
    if idle_s:
        view.phase("silence")
        result["idle_cpu_s"], seconds = await _idle(whole, idle_s)
        result["idle_edge_share_of_core"] = result["idle_cpu_s"].get("edge", 0.0) / seconds
    each = result["rss_bytes_per_viewer"] = (whole.edge_rss() - before) / joined
    if idle_s:
        view.say(f"idle: {result['idle_edge_share_of_core']:.2%} of a core, {each:.0f} bytes a viewer")
    return result


@asynccontextmanager
async def bare_loop(load: Load, view: View) -> AsyncIterator[floor.Floor]:
    """A floor with as many sockets. Raises ConnectionError, floor.NoCompiler."""
    port = free_port()
    rate = sum(room.rate for room in load.rooms)
    audience = Audience(
        (("", load.viewers),), load.protocol, load.processes, first_address=_FLOOR_ADDRESSES, bare=True
    )
    view.phase("connecting the floor", load.viewers)
    async with (
        floor.floor(port, load.viewers, load.frame("." * load.text_size()), rate) as loop,
        crowd("127.0.0.1", port, audience) as people,
    ):
        await people.joined()
        await loop.accepted()
        yield loop


async def _idle(whole: Family, seconds: float) -> tuple[dict[str, float], float]:
    """CPU of each kind of process, and how long that was."""
    await asyncio.sleep(_SETTLE_S)
    meter = Meter(whole)
    meter.start()
    begin = time.monotonic()
    await asyncio.sleep(seconds)
    return meter.stop(), time.monotonic() - begin


def line(result: Result) -> str:
    """A window in one line."""
    latency = result["latency_ms"]
    parts = [
        f"delivered {result['delivered']}/{result['expected']}",
        f"{result['frames_per_s']:.0f} frames/s",
        f"p50 {latency['p50']:.0f} ms p99 {latency['p99']:.0f} ms",
    ]
    if "cpu_us_per_frame" in result:
        parts.append(f"{result['cpu_us_per_frame']:.2f} us/frame")
    if "ratio_to_floor" in result:
        parts.append(f"floor {result['floor_cpu_us_per_frame']:.2f} us, ratio {result['ratio_to_floor']:.2f}")
    return ", ".join(parts)
