"""`soak`: many rooms, viewers that come and go, for a long time; what grows, what is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer

from loadtest import options
from loadtest.crowd import Audience, Crowd, crowd
from loadtest.figures import Result, summary, tallied
from loadtest.load import many_rooms
from loadtest.measurement import line, measurement
from loadtest.scenario import OnService, room_for, shown_by
from loadtest.service import Service
from loadtest.slope import Slope, slope
from loadtest.view import View

_ADDRESSES: Final = 500  # where those come from who do not stay


@dataclass(frozen=True, slots=True)
class Soak(OnService):
    """Many rooms and --churn viewers more that leave and come anew each window: what grows, what is lost.

    Memory of each kind of process is fitted with a line; the first fifth of the time is left out, for
    caches and rings fill up then.

    Example: python -m loadtest soak --minutes 30 --json soak.json
    """

    minutes: Annotated[float, typer.Option(min=0.05, help="How long.")] = 30.0
    rooms: options.Rooms = 50
    viewers: options.Viewers = 2000
    churn: Annotated[int, typer.Option(min=1, help="Viewers that come and go with each window.")] = 200
    rate: options.Rate = 100.0
    zipf: options.Zipf = 1.0
    payload: options.Payload = 110
    seconds: options.Seconds = 10.0
    processes: options.Processes = 1
    subprotocol: options.Sub = options.Subprotocol.MSGPACK
    display: options.Display = 40

    def settings(self) -> dict[str, str]:
        return {**room_for(self.viewers + self.churn), **shown_by(self.display, self.payload, 50.0)}

    async def run(self, service: Service, view: View) -> Result:
        protocol = self.subprotocol.protocol
        try:
            load = many_rooms(
                self.rooms, self.viewers, self.rate, self.zipf, self.payload, protocol, self.processes
            )
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
        rounds: list[Result] = []
        passing: list[dict[str, Any]] = []
        memory: list[tuple[float, dict[str, int]]] = []
        windows = max(2, round(self.minutes * 60 / self.seconds))
        async with measurement(load, service, view) as running:
            at_s = 0.0
            for number in range(windows):
                async with self._passing(service, protocol, load.rooms[0].name) as people:
                    rounds.append(await running.window(self.seconds, f"window {number + 1} of {windows}"))
                    passing += await people.take()
                view.say(line(rounds[-1]))
                samples = rounds[-1]["samples"]
                memory += [(at_s + sample["at_s"], sample["rss_bytes"]) for sample in samples]
                at_s += samples[-1]["at_s"]
        return {
            **running.joining,
            **summary(rounds),
            "unanswered": sum(part["unanswered"] for part in rounds),
            "passing_joined": self.churn * windows,
            "passing_out_of_order": sum(tally["gaps"] for tally in passing),
            "passing_duplicates": sum(tally["duplicates"] for tally in passing),
            "passing_closed_with": tallied(tally["ended"] for tally in passing),
            **_growth(memory),
        }

    @asynccontextmanager
    async def _passing(self, service: Service, protocol: str, room: str) -> AsyncIterator[Crowd]:
        audience = Audience(((room, self.churn),), protocol, first_address=_ADDRESSES)
        async with crowd(service.host, service.port, audience) as people:
            await people.joined()
            yield people


def _growth(memory: list[tuple[float, dict[str, int]]]) -> Result:
    """The slope of each kind of process, and how sure it is."""
    settled = memory[len(memory) // 5 :]
    kinds = sorted({kind for _, held in settled for kind in held})
    slopes: dict[str, Slope] = {}
    for kind in kinds:
        slopes[kind] = slope([(at_s / 3600, float(held.get(kind, 0))) for at_s, held in settled])
    return {
        "memory_bytes_per_hour": {kind: one.value for kind, one in slopes.items()},
        "memory_bytes_per_hour_error": {kind: one.error for kind, one in slopes.items()},
        "memory_bytes_at_the_end": {kind: settled[-1][1].get(kind, 0) for kind in kinds},
    }
