"""`ingest`: many senders, all processes of the service counted together."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Annotated, Final

import typer

from loadtest import ingester, options
from loadtest.crowd import Helper, helper
from loadtest.figures import Result, histogram, percentiles, summary, tallied, total
from loadtest.floor import Floor
from loadtest.load import hot_room
from loadtest.measurement import bare_loop
from loadtest.processes import Family, Meter
from loadtest.scenario import OnService
from loadtest.service import Service
from loadtest.view import View

_COUNTED: Final = ("offered", "accepted", "shown", "shed", "unanswered", "expected", "delivered", "lost")
_MEASURED: Final = (
    "accepted_per_s", "deliveries_per_s", "cpu_us_per_comment", "cpu_us_per_delivery", "client_cpu_s",
    "floor_cpu_us_per_frame", "ratio_to_floor",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ingest(OnService):
    """Many senders: what an accepted and acknowledged comment costs the whole service.

    A delivery is an acknowledgement here.

    Example: python -m loadtest ingest --rate 10000
    """

    rooms: options.Rooms = 50
    senders: Annotated[int, typer.Option(min=1, help="Connections that send, over all rooms.")] = 200
    rate: options.Rate = 5000.0
    text: Annotated[int, typer.Option(min=19, help="Letters of a comment.")] = 20
    seconds: options.Seconds = 10.0
    rounds: options.Rounds = 5
    processes: options.Processes = 1
    floor: options.Floor = True
    display: options.Display = 1_000_000

    def settings(self) -> dict[str, str]:
        return {"DANMAKU_POLICY_DISPLAY_PER_S": str(self.display)}

    async def run(self, service: Service, view: View) -> Result:
        async with AsyncExitStack() as stack:
            whole = Family(service.pid)
            view.phase("joining")
            senders = [
                await stack.enter_async_context(helper(ingester.main, plan, None))
                for plan in self._plans(service)
            ]
            for one in senders:
                await one.hear()
            view.say(f"{self.senders} senders are in {self.rooms} rooms")
            below = None
            if self.floor:
                below = await stack.enter_async_context(bare_loop(hot_room("hot", 5000, 20), view))
            rounds: list[Result] = []
            for number in range(self.rounds):
                view.phase(f"window {number + 1} of {self.rounds}")
                rounds.append(await self._window(senders, below, whole))
                view.say(_line(rounds[-1]))
        return summary(rounds, _COUNTED, _MEASURED)

    def _plans(self, service: Service) -> list[ingester.Plan]:
        count = min(self.processes, self.senders)
        return [
            ingester.Plan(
                service.host, service.port, service.token, self.rooms,
                self.senders // count + (number < self.senders % count), self.rate / count, self.text, number,
            )
            for number in range(count)
        ]  # fmt: skip

    async def _window(self, senders: list[Helper], below: Floor | None, whole: Family) -> Result:
        result: Result = {}
        if below is not None:
            sent, cpu, _ = await below.window(self.seconds)
            result["floor_cpu_us_per_frame"] = cpu / max(sent, 1) * 1e6
        meter = Meter(whole)
        meter.start()
        for one in senders:
            one.say(self.seconds)
        answers = [await one.hear() for one in senders]
        cpu_s = meter.stop()
        result |= total(answers, ("offered", "shown", "shed", "unanswered"))
        result["refused"] = tallied(one["refused"] for one in answers)
        result["accepted"] = result["delivered"] = result["shown"] + result["shed"]
        result["expected"], result["lost"] = result["offered"], result["unanswered"]
        result["accepted_per_s"] = result["deliveries_per_s"] = result["accepted"] / self.seconds
        result["latency_ms"] = percentiles(histogram(one["latency"] for one in answers))
        result["cpu_s"] = cpu_s
        result["client_cpu_s"] = sum(one["cpu_s"] for one in answers)
        if cpu_s:
            each = sum(cpu_s.values()) / max(result["accepted"], 1) * 1e6
            result["cpu_us_per_comment"] = result["cpu_us_per_delivery"] = each
        if cpu_s and below is not None:
            result["ratio_to_floor"] = result["cpu_us_per_comment"] / result["floor_cpu_us_per_frame"]
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
