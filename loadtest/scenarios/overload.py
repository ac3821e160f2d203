"""`overload`: several times what an edge worker can send for a minute, and how soon all is as before.

Saturated is a worker whose core does nothing but send each batch by itself to all viewers; what a frame costs
is measured in the quiet window before. The window of batches is so short that each comment would be one.
"""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

import typer

from loadtest import options
from loadtest.figures import COUNTED, Result, summary, total
from loadtest.load import Load, hot_room
from loadtest.measurement import measurement
from loadtest.scenario import OnService, room_for, shown_by
from loadtest.senders import Sender
from loadtest.service import Service
from loadtest.view import View

_NORMAL_TIMES: Final = 1.5  # p99 of the quiet window, and
_NORMAL_MS: Final = 25.0  # so much more


@dataclass(frozen=True, slots=True)
class Overload(OnService):
    """Several times the comments that a worker could send one by one: what comes of that, and after it.

    A quiet window of --rate comments a second, then --seconds of --factor times saturation on top of it, then
    a quiet window again. More than --display a second are not shown, and whoever sent them is told.

    Example: python -m loadtest overload --factor 3 --seconds 60
    """

    viewers: options.Viewers = 5000
    rate: options.Rate = 10.0
    factor: Annotated[float, typer.Option(min=0.1, max=100, help="Times what saturates a worker.")] = 3.0
    payload: options.Payload = 100
    seconds: options.Seconds = 60.0
    calm: Annotated[float, typer.Option(min=1, help="Length of the windows before and after it.")] = 10.0
    processes: options.Processes = 1
    subprotocol: options.Sub = options.Subprotocol.MSGPACK
    display: options.Display = 100
    window_ms: options.Window = 5.0

    def settings(self) -> dict[str, str]:
        return {**room_for(self.viewers), **shown_by(self.display, self.payload, self.window_ms)}

    async def run(self, service: Service, view: View) -> Result:
        load = hot_room(
            "hot", self.viewers, self.rate, self.payload, self.subprotocol.protocol, self.processes
        )
        async with AsyncExitStack() as stack:
            running = await stack.enter_async_context(measurement(load, service, view))
            if not running.family.processes:
                raise typer.BadParameter("what saturates a worker is known of a service of our own alone")
            before = await running.window(self.calm, "quiet window")
            saturation = 1e6 / (before["cpu_us_per_frame"] * running.joining["viewers"])
            more = await self._senders(stack, service, load, self.factor * saturation)
            held = running.family.edge_rss()
            view.say(f"a worker is saturated by {saturation:.0f} comments a second that leave one by one")
            end = time.monotonic() + self.seconds
            during = await running.window(self.seconds, f"{self.factor:g} times that", more)
            late_s = max(0.0, time.monotonic() - end)
            after = await running.window(self.calm, "quiet window again")
        peak = max(sample["rss_bytes"].get("edge", 0) for sample in during["samples"])
        return {
            **running.joining,
            **summary([during]),
            **total([before, during, after], COUNTED),
            "saturation_per_s": saturation,
            "offered_per_s": during["offered"] / self.seconds,
            "unanswered": during["unanswered"],
            "quiet_latency_ms": before["latency_ms"],
            "after_latency_ms": after["latency_ms"],
            "worst_second_p99_ms": max(sample["latency_ms"]["p99"] for sample in during["samples"]),
            "normal_again_s": late_s + abnormal_s(after["samples"], before["latency_ms"]["p99"]),
            "edge_share_of_core": during["cpu_s"]["edge"] / self.seconds,
            "edge_rss_growth_bytes": max(0, peak - held),
        }

    async def _senders(
        self, stack: AsyncExitStack, service: Service, load: Load, rate: float
    ) -> list[Sender]:
        room = replace(load.rooms[0], rate=rate)
        url = f"ws://{service.host}:{service.port}/v1/ws"
        return [
            await stack.enter_async_context(
                Sender(url, clocks, service.token, load.text_size(), f"more-{number}")
            )
            for number, clocks in enumerate(replace(load, rooms=(room,)).clocks())
        ]


def abnormal_s(samples: list[dict[str, Any]], quiet_p99: float) -> float:
    """Seconds until latency is as it was, by the last second in which it was not."""
    most = quiet_p99 * _NORMAL_TIMES + _NORMAL_MS
    return max((sample["at_s"] for sample in samples if sample["latency_ms"]["p99"] > most), default=0.0)
