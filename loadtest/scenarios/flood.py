"""`flood`: one hot room while somebody floods the service; quiet windows and flooded ones in turn.

What counts is how much later everybody else sees comments, and what it costs the edge in memory. Both kinds
of window are taken beside each other, so that their ratio does not hang on the hour's mood of the machine.
"""

from __future__ import annotations

import statistics
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from loadtest import flooder, options
from loadtest.crowd import helper
from loadtest.figures import Result, median_points, summary, tallied
from loadtest.harm import Kind, Plan
from loadtest.load import hot_room
from loadtest.measurement import measurement
from loadtest.scenario import OnService
from loadtest.service import Service
from loadtest.view import View


@dataclass(frozen=True, slots=True)
class Flood(OnService):
    """How much later --viewers see comments while somebody floods the service, and what that costs it.

    Example: python -m loadtest flood --kind sockets
    """

    kind: Annotated[
        Kind, typer.Option(help="What there is too much of; all: garbage, handshakes and half requests.")
    ] = Kind.FRAMES
    viewers: options.Viewers = 500
    rate: options.Rate = 20.0
    frames: Annotated[int, typer.Option(min=100, help="Of one, or all garbage, per second.")] = 10_000
    sockets: Annotated[int, typer.Option(min=1, help="Connections from one address.")] = 2000
    handshakes: Annotated[int, typer.Option(min=1, help="Of 200 addresses, per second.")] = 20_000
    half: Annotated[int, typer.Option(min=1, help="Connections with half a request, of 200 addresses.")] = (
        5000
    )
    talkers: Annotated[int, typer.Option(min=1, help="Connections that say garbage.")] = 1000
    seconds: options.Seconds = 10.0
    rounds: Annotated[int, typer.Option(min=1, help="Pairs of windows; figures are medians.")] = 5

    def settings(self) -> dict[str, str]:
        return {
            "DANMAKU_EDGE_FRAMES_PER_S": "20",
            "DANMAKU_EDGE_FRAMES_BURST": "60",
            # as many as a swarm has of one address
            "DANMAKU_EDGE_CONNECTIONS_PER_ADDRESS": str(max(100, min(self.viewers, 10_000))),
        }

    async def run(self, service: Service, view: View) -> Result:
        quiet, flooded, harms = [], [], []
        async with (
            measurement(hot_room("hot", self.viewers, self.rate), service, view) as running,
            AsyncExitStack() as stack,
        ):
            bad = [
                await stack.enter_async_context(helper(flooder.main, plan)) for plan in self._plans(service)
            ]
            before = running.family.edge_rss()
            for number in range(self.rounds):
                quiet.append(await running.window(self.seconds, f"quiet window {number + 1}"))
                for one in bad:
                    one.say("begin")
                flooded.append(await running.window(self.seconds, f"flooded window {number + 1}"))
                for one in bad:
                    one.say("end")
                came = [await one.hear() for one in bad]
                harms += came
                view.say(_line(quiet[-1], flooded[-1], came))
            grown = running.family.edge_rss() - before
        return {**running.joining, **self._summary(quiet, flooded, harms, grown)}

    def _plans(self, service: Service) -> list[Plan]:
        all_kinds = [Kind.GARBAGE, Kind.HANDSHAKES, Kind.HALF]
        kinds = all_kinds if self.kind is Kind.ALL else [self.kind]
        rates = {Kind.HANDSHAKES: self.handshakes}
        sockets = {Kind.HALF: self.half, Kind.GARBAGE: self.talkers}
        return [
            Plan(
                service.host,
                service.port,
                kind,
                rates.get(kind, self.frames),
                sockets.get(kind, self.sockets),
            )
            for kind in kinds
        ]

    def _summary(
        self, quiet: list[Result], flooded: list[Result], harms: list[dict[str, Any]], grown: int
    ) -> Result:
        quiet_ms = median_points([part["latency_ms"] for part in quiet])
        flooded_ms = median_points([part["latency_ms"] for part in flooded])
        frames = sum(harm["frames"] for harm in harms)
        return {
            **summary([*quiet, *flooded]),
            "quiet_latency_ms": quiet_ms,
            "flooded_latency_ms": flooded_ms,
            "p99_ratio": flooded_ms["p99"] / quiet_ms["p99"],
            "quiet_edge_cpu_s": statistics.median(part["cpu_s"].get("edge", 0.0) for part in quiet),
            "flooded_edge_cpu_s": statistics.median(part["cpu_s"].get("edge", 0.0) for part in flooded),
            "edge_rss_growth_bytes": grown,
            "flood_connections": sum(harm["connections"] for harm in harms),
            "flood_connections_per_s": sum(harm["connections"] for harm in harms)
            / self.seconds
            / self.rounds,
            "flood_held": max(harm["most_held"] for harm in harms),
            "flood_frames": frames,
            "flood_frames_per_s": frames / self.seconds / self.rounds,
            "flood_ended": tallied(harm["ended"] for harm in harms),
        }


def _line(quiet: Result, flooded: Result, harms: list[dict[str, Any]]) -> str:
    before, during = quiet["latency_ms"]["p99"], flooded["latency_ms"]["p99"]
    harm = "; ".join(
        f"{harm['frames']} frames over {harm['connections']} connections, at most {harm['most_held']} held, "
        f"which ended: {harm['ended']}"
        for harm in harms
    )
    return f"p99 {before:.1f} ms quiet, {during:.1f} ms flooded ({during / before:.2f} times) with {harm}"
