"""`goim`: the benchmark that goim publishes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from loadtest import options
from loadtest.figures import Result, summary
from loadtest.load import hot_room
from loadtest.measurement import measurement
from loadtest.scenario import OnService, room_for, shown_by
from loadtest.service import Service
from loadtest.view import View

_SMALLEST: Final = 92  # a frame with a comment of 19 letters, which is the stamp alone


@dataclass(frozen=True, slots=True)
class Goim(OnService):
    """goim's published benchmark: 40 small pushes a second to everybody, here comments of 19 letters.

    Example: python -m loadtest goim --window 1000
    """

    viewers: options.Viewers = 5000
    rate: options.Rate = 40.0
    seconds: options.Seconds = 10.0
    rounds: options.Rounds = 5
    processes: options.Processes = 1
    workers: options.Workers = 1
    subprotocol: options.Sub = options.Subprotocol.MSGPACK
    deflate: options.Deflate = False
    display: options.Display = 10_000
    window_ms: options.Window = 200.0

    def settings(self) -> dict[str, str]:
        return {**room_for(self.viewers), **shown_by(self.display, _SMALLEST, self.window_ms)}

    async def run(self, service: Service, view: View) -> Result:
        protocol = self.subprotocol.protocol
        load = hot_room("hot", self.viewers, self.rate, _SMALLEST, protocol, self.processes)
        load = replace(load, deflate=self.deflate)
        async with measurement(load, service, view) as running:
            return {**running.joining, **summary(await running.rounds(self.rounds, self.seconds))}
