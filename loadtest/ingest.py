"""Many senders: what an accepted and acknowledged comment costs, all processes of the service together."""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from hdrh.histogram import HdrHistogram

from loadtest import fanout, ingester, processes
from loadtest.fanout import Result, Say
from loadtest.floor import Floor
from loadtest.service import Service


@dataclass(frozen=True, slots=True)
class Ingest:
    """`display_per_s`: what a room of our own service shows; above it comments are acknowledged and shed."""

    rooms: int = 50
    senders: int = 200
    rate: float = 5000.0
    text: int = 20
    seconds: float = 10.0
    rounds: int = 5
    processes: int = 1
    display_per_s: int = 1_000_000
    with_floor: bool = True


async def run(plan: Ingest, service: Service, say: Say) -> Result:
    """Run all windows. Returns the figures under stable keys. Raises ConnectionError, floor.NoCompiler."""
    async with AsyncExitStack() as stack:
        own = processes.family(service.pid) if service.pid else []
        pipes = [
            await stack.enter_async_context(_ingester(_share(plan, service, number)))
            for number in range(plan.processes)
        ]
        say(f"{plan.senders} senders are in {plan.rooms} rooms")
        below = None
        if plan.with_floor:
            below = await stack.enter_async_context(fanout.bare_loop(fanout.Fanout()))
        rounds: list[Result] = []
        for _ in range(plan.rounds):
            rounds.append(await _window(plan, pipes, below, own))
            say(_line(rounds[-1]))
    return _summary(rounds)


def _share(plan: Ingest, service: Service, number: int) -> ingester.Plan:
    senders = plan.senders // plan.processes
    return ingester.Plan(
        service.host, service.port, service.token, plan.rooms, senders,
        plan.rate / plan.processes, plan.text, number,
    )  # fmt: skip


@asynccontextmanager
async def _ingester(plan: ingester.Plan) -> AsyncIterator[Connection]:
    """A process of senders that have joined. Raises ConnectionError."""
    context = multiprocessing.get_context("spawn")
    pipe, theirs = context.Pipe()
    process = context.Process(target=ingester.main, args=(plan, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        await _hear(pipe)
        yield pipe
    finally:
        if process.is_alive():
            pipe.send(None)
        await asyncio.to_thread(process.join, 10)
        if process.is_alive():
            process.kill()


async def _hear(pipe: Connection) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = await asyncio.to_thread(pipe.recv)
    except EOFError:
        raise ConnectionError("a process of senders ended") from None
    if "error" in answer:
        raise ConnectionError(answer["error"])
    return answer


async def _window(
    plan: Ingest, pipes: list[Connection], below: Floor | None, own: list[processes.Process]
) -> Result:
    result: Result = {}
    if below is not None:
        sent, cpu, _ = await below.window(plan.seconds)
        result["floor_cpu_us_per_frame"] = cpu / sent * 1e6
    meter = processes.Meter(own)
    meter.start()
    for pipe in pipes:
        pipe.send(plan.seconds)
    answers = [await _hear(pipe) for pipe in pipes]
    cpu_s = meter.stop()
    latency = HdrHistogram(1, 60_000_000, 3)
    for one in answers:
        latency.decode_and_add(one["latency"])
    result |= {key: sum(one[key] for one in answers) for key in ("offered", "shown", "shed", "unanswered")}
    result["refused"] = dict(sum((Counter(one["refused"]) for one in answers), Counter[str]()))
    result["accepted"] = result["shown"] + result["shed"]
    result["accepted_per_s"] = result["accepted"] / plan.seconds
    result["latency_ms"] = fanout.percentiles(latency)
    result["cpu_s"] = cpu_s
    result["client_cpu_s"] = sum(one["cpu_s"] for one in answers)
    if own:
        result["cpu_us_per_comment"] = sum(cpu_s.values()) / max(result["accepted"], 1) * 1e6
    if own and below is not None:
        result["ratio_to_floor"] = result["cpu_us_per_comment"] / result["floor_cpu_us_per_frame"]
    return result


def _summary(rounds: list[Result]) -> Result:
    """Sums of what is counted, medians of what is measured; every round beside it."""
    counted = "offered", "accepted", "shown", "shed", "unanswered"
    measured = (
        "accepted_per_s", "cpu_us_per_comment", "client_cpu_s", "floor_cpu_us_per_frame", "ratio_to_floor",
    )  # fmt: skip
    result: Result = {key: sum(part[key] for part in rounds) for key in counted}
    result["refused"] = dict(sum((Counter(part["refused"]) for part in rounds), Counter[str]()))
    result |= {key: statistics.median(part[key] for part in rounds) for key in measured if key in rounds[0]}
    result["latency_ms"] = fanout.median_points([part["latency_ms"] for part in rounds])
    result["cpu_s"] = fanout.median_points([part["cpu_s"] for part in rounds])
    result["rounds"] = rounds
    return result


def _line(result: Result) -> str:
    latency = result["latency_ms"]
    parts = [
        f"accepted {result['accepted']}/{result['offered']} ({result['shown']} shown)",
        f"answered after p50 {latency['p50']:.0f} ms p99 {latency['p99']:.0f} ms",
    ]
    if "cpu_us_per_comment" in result:
        parts.append(f"{result['cpu_us_per_comment']:.0f} us/comment")
    if "ratio_to_floor" in result:
        parts.append(f"floor {result['floor_cpu_us_per_frame']:.2f} us, ratio {result['ratio_to_floor']:.1f}")
    return ", ".join(parts)
