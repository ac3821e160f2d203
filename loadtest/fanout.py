"""One hot room: many viewers, a steady rate of comments, everything received is checked.

With a floor, windows of the service and of the bare send(2) loop alternate, with the same number of
sockets read by the same kind of swarm, so that their ratio does not hang on the hour's mood of the machine.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from hdrh.histogram import HdrHistogram

from danmaku import wire
from danmaku.model import Position
from loadtest import floor, processes
from loadtest.crowd import Crowd, crowd
from loadtest.sampler import Sampler, histogram
from loadtest.senders import Sender, Sent
from loadtest.service import Service, free_port

SENDERS = 4
_SETTLING_S = 8.0  # how many came is told some times


@dataclass(frozen=True, slots=True)
class Fanout:
    """What to measure. `payload` is the size of a frame that carries one comment, in bytes."""

    room: str = "hot"
    viewers: int = 5000
    rate: float = 20.0
    payload: int = 100
    seconds: float = 10.0
    rounds: int = 5
    idle_s: float = 20.0
    swarms: int = 1
    protocol: str = wire.MSGPACK_PROTOCOL
    with_floor: bool = True


Say = Callable[[str], None]
Result = dict[str, Any]


def viewers(
    plan: Fanout, host: str, port: int, *, first_address: int = 0, bare: bool = False
) -> AbstractAsyncContextManager[Crowd]:
    """The viewers of `plan`."""
    return crowd(
        host, port, plan.room, plan.viewers, plan.protocol,
        processes=plan.swarms, first_address=first_address, bare=bare,
    )  # fmt: skip


async def run(plan: Fanout, service: Service, say: Say) -> Result:
    """Run all windows. Returns the figures under stable keys. Raises ConnectionError, floor.NoCompiler."""
    async with AsyncExitStack() as stack:
        own = processes.family(service.pid) if service.pid else []
        people = await stack.enter_async_context(viewers(plan, service.host, service.port))
        result = await _quiet(plan, people, own, say)
        senders = [await stack.enter_async_context(sender(plan, service, n)) for n in range(SENDERS)]
        below = await stack.enter_async_context(bare_loop(plan)) if plan.with_floor else None
        rounds: list[Result] = []
        for _ in range(plan.rounds):
            rounds.append(await window(plan, people, senders, below, own))
            say(_line(rounds[-1]))
    return {**result, **_summary(rounds)}


async def run_idle(plan: Fanout, service: Service, say: Say) -> Result:
    """What viewers cost to whom nothing is said. Raises ConnectionError."""
    own = processes.family(service.pid) if service.pid else []
    async with viewers(plan, service.host, service.port) as people:
        result = await _quiet(plan, people, own, say)
        (tally, *others) = await people.take()
        closed = tally["closed"] + sum(other["closed"] for other in others)
    return {**result, "closed": closed}


async def run_floor(plan: Fanout, say: Say) -> Result:
    """The bare loop by itself. Raises ConnectionError, floor.NoCompiler."""
    async with bare_loop(plan) as loop:
        windows = [await loop.window(plan.seconds) for _ in range(plan.rounds)]
    costs = [cpu / frames * 1e6 for frames, cpu, _ in windows]
    say(", ".join(f"{cost:.2f} us" for cost in costs) + " a frame")
    return {
        "viewers": plan.viewers,
        "frames": sum(frames for frames, _, _ in windows),
        "floor_failed": sum(failed for _, _, failed in windows),
        "floor_cpu_us_per_frame": statistics.median(costs),
    }


async def _quiet(plan: Fanout, people: Crowd, own: list[processes.Process], say: Say) -> Result:
    """Let all join; what they cost until somebody speaks."""
    before = processes.edge_rss(own)
    joined, connect_s = await people.joined()
    say(f"{joined} viewers joined in {connect_s:.1f} s")
    result: Result = {"viewers": joined, "connect_per_s": joined / connect_s}
    if own:
        await asyncio.sleep(_SETTLING_S)
        idle = await _idle(plan, own)
        result["rss_bytes_per_viewer"] = (processes.edge_rss(own) - before) / joined
        result["idle_edge_share_of_core"] = idle
        say(f"idle: {idle:.2%} of a core, {result['rss_bytes_per_viewer']:.0f} bytes a viewer")
    return result


def sender(plan: Fanout, service: Service, number: int) -> Sender:
    url = f"ws://{service.host}:{service.port}/v1/ws"
    return Sender(url, plan.room, service.token, _text_size(plan), f"load-{number}")


def _frame(plan: Fanout, text: str) -> bytes:
    """A batch of one comment, as the service makes it."""
    item = wire.encode_item(wire.Comment("load", "load", text))
    frame = wire.encode_batch(plan.room, Position(2**40, 1000), 2**40, [item])
    return frame if plan.protocol == wire.MSGPACK_PROTOCOL else wire.JSON.batch(frame)


def _text_size(plan: Fanout) -> int:
    return max(plan.payload - len(_frame(plan, "")), 19)


@asynccontextmanager
async def bare_loop(plan: Fanout) -> AsyncIterator[floor.Floor]:
    port = free_port()
    async with (
        floor.floor(port, plan.viewers, _frame(plan, "." * _text_size(plan)), plan.rate) as loop,
        viewers(plan, "127.0.0.1", port, first_address=1000, bare=True) as people,
    ):
        await people.joined()
        await loop.accepted()
        yield loop


async def _idle(plan: Fanout, own: list[processes.Process]) -> float:
    await asyncio.sleep(3)  # the last joins' counts and statistics go out
    meter = processes.Meter(own)
    meter.start()
    begin = time.monotonic()
    await asyncio.sleep(plan.idle_s)
    return meter.stop().get("edge", 0.0) / (time.monotonic() - begin)


async def window(
    plan: Fanout,
    people: Crowd,
    senders: list[Sender],
    below: floor.Floor | None,
    own: list[processes.Process],
) -> Result:
    """One window: what the senders said, what the crowd got of it, and what that cost."""
    result: Result = {}
    if below:
        frames, cpu, failed = await below.window(plan.seconds)
        result["floor_cpu_us_per_frame"] = cpu / frames * 1e6
        result["floor_failed"] = failed
    first = await people.take()
    sampler = Sampler(people, own)
    meter = processes.Meter(own)
    meter.start()
    sampler.start()
    each = plan.rate / SENDERS
    sent = await asyncio.gather(
        *(one.run(each, plan.seconds, number / plan.rate) for number, one in enumerate(senders))
    )
    await sampler.catch_up(plan.viewers * sum(part.shown for part in sent))
    cpu_s = meter.stop()
    await sampler.stop()
    result |= _figures(plan, sent, sampler.tallies, cpu_s)
    result["client_cpu_s"] = _cpu_s(sampler.last) - _cpu_s(first)
    result["samples"] = sampler.samples
    if below and own:
        result["ratio_to_floor"] = result["cpu_us_per_frame"] / result["floor_cpu_us_per_frame"]
    return result


def _figures(
    plan: Fanout,
    sent: list[Sent],
    tallies: list[dict[str, Any]],
    cpu_s: dict[str, float],
) -> Result:
    total = {
        key: sum(tally[key] for tally in tallies)
        for key in ("frames", "size", "batches", "deliveries", "duplicates", "gaps", "skipped", "closed")
    }
    shown = sum(part.shown for part in sent)
    expected = shown * plan.viewers
    edge = cpu_s.get("edge", 0.0)
    return {
        "offered": sum(part.offered for part in sent),
        "shown": shown,
        "shed": sum(part.shed for part in sent),
        "refused": {name: count for part in sent for name, count in part.refused.items()},
        "expected": expected,
        "delivered": total["deliveries"],
        "lost": expected - total["deliveries"] - total["skipped"],
        "skipped": total["skipped"],
        "duplicates": total["duplicates"],
        "out_of_order": total["gaps"],
        "closed": total["closed"],
        "frames": total["frames"],
        "frame_bytes": total["size"] / max(total["frames"], 1),
        "items_per_frame": total["deliveries"] / max(total["batches"], 1),
        "deliveries_per_s": total["deliveries"] / plan.seconds,
        "frames_per_s": total["frames"] / plan.seconds,
        "latency_ms": percentiles(histogram(tallies)),
        "cpu_s": cpu_s,
        "cpu_us_per_frame": edge / max(total["frames"], 1) * 1e6,
        "cpu_us_per_delivery": sum(cpu_s.values()) / max(total["deliveries"], 1) * 1e6,
        "deliveries_per_cpu_s": total["deliveries"] / max(sum(cpu_s.values()), 1e-9),
    }


def _cpu_s(tallies: list[dict[str, Any]]) -> float:
    """Seconds that the swarm processes have used until then."""
    return sum(float(tally["cpu_s"]) for tally in tallies)


def percentiles(latency: HdrHistogram) -> dict[str, float]:
    """Milliseconds, of a histogram of microseconds."""
    points = ("p50", 50), ("p90", 90), ("p99", 99), ("p999", 99.9), ("max", 100)
    return {name: latency.get_value_at_percentile(point) / 1000 for name, point in points}


def median_points(parts: list[dict[str, float]]) -> dict[str, float]:
    """The median of each name."""
    return {name: statistics.median(part.get(name, 0.0) for part in parts) for name in parts[0]}


def _summary(rounds: list[Result]) -> Result:
    """Sums of what is counted, medians of what is measured; every round beside it."""
    counted = (
        "offered",
        "shown",
        "shed",
        "expected",
        "delivered",
        "lost",
        "skipped",
        "duplicates",
        "out_of_order",
        "closed",
        "frames",
    )
    measured = (
        "frame_bytes", "items_per_frame", "deliveries_per_s", "frames_per_s", "cpu_us_per_frame",
        "cpu_us_per_delivery", "deliveries_per_cpu_s", "client_cpu_s", "floor_cpu_us_per_frame",
        "ratio_to_floor",
    )  # fmt: skip
    result: Result = {key: sum(part[key] for part in rounds) for key in counted}
    result |= {key: statistics.median(part[key] for part in rounds) for key in measured if key in rounds[0]}
    result["latency_ms"] = median_points([part["latency_ms"] for part in rounds])
    result["cpu_s"] = median_points([part["cpu_s"] for part in rounds])
    result["rounds"] = rounds
    return result


def _line(result: Result) -> str:
    latency = result["latency_ms"]
    parts = [
        f"delivered {result['delivered']}/{result['expected']}",
        f"{result['frames_per_s']:.0f} frames/s",
        f"p50 {latency['p50']:.0f} ms p99 {latency['p99']:.0f} ms",
        f"{result['cpu_us_per_frame']:.2f} us/frame",
    ]
    if "ratio_to_floor" in result:
        parts.append(f"floor {result['floor_cpu_us_per_frame']:.2f} us, ratio {result['ratio_to_floor']:.2f}")
    return ", ".join(parts)
