"""Many senders at a service, in windows: what became of their comments, and what each cost it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from loadtest import ingester
from loadtest.crowd import Helper, helper
from loadtest.figures import Result, histogram, percentiles, tallied, total
from loadtest.processes import Family, Meter
from loadtest.service import Service


class Ingesting:
    """Senders that are in their rooms."""

    def __init__(self, senders: list[Helper], service: Service) -> None:
        self._senders = senders
        self._whole = Family(service.pid)

    async def window(self, seconds: float) -> Result:
        """Raises ConnectionError."""
        meter = Meter(self._whole)
        meter.start()
        for one in self._senders:
            one.say(seconds)
        answers = [await one.hear() for one in self._senders]
        cpu_s = meter.stop()
        result: Result = total(answers, ("offered", "shown", "shed", "unanswered"))
        result["refused"] = tallied(one["refused"] for one in answers)
        result["accepted"] = result["delivered"] = result["shown"] + result["shed"]
        result["expected"], result["lost"] = result["offered"], result["unanswered"]
        result["accepted_per_s"] = result["deliveries_per_s"] = result["accepted"] / seconds
        result["latency_ms"] = percentiles(histogram(one["latency"] for one in answers))
        result["cpu_s"] = cpu_s
        result["client_cpu_s"] = sum(one["cpu_s"] for one in answers)
        if cpu_s:
            each = sum(cpu_s.values()) / max(result["accepted"], 1) * 1e6
            result["cpu_us_per_comment"] = result["cpu_us_per_delivery"] = each
        return result


@asynccontextmanager
async def ingesting(service: Service, plan: ingester.Plan, processes: int = 1) -> AsyncIterator[Ingesting]:
    """What `plan` says, dealt out over so many processes. Raises ConnectionError."""
    count = min(processes, plan.senders)
    async with AsyncExitStack() as stack:
        senders = []
        for number in range(count):
            share = plan.senders // count + (number < plan.senders % count)
            part = replace(plan, senders=share, rate=plan.rate / count, number=number)
            senders.append(await stack.enter_async_context(helper(ingester.main, part, None)))
        for one in senders:
            await one.hear()
        yield Ingesting(senders, service)


def line(result: Result) -> str:
    """A window in one line."""
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
