"""`idle`: viewers to whom nothing is said."""

from __future__ import annotations

from dataclasses import dataclass

from loadtest import options
from loadtest.figures import Result, tallied
from loadtest.load import hot_room
from loadtest.measurement import measurement
from loadtest.scenario import OnService, room_for
from loadtest.service import Service
from loadtest.view import View


@dataclass(frozen=True, slots=True)
class Idle(OnService):
    """--viewers of one room in which nothing is said: what they cost in CPU and memory.

    Example: python -m loadtest idle --viewers 15000
    """

    viewers: options.Viewers = 15_000
    seconds: options.Seconds = 20.0
    processes: options.Processes = 1
    workers: options.Workers = 1
    subprotocol: options.Sub = options.Subprotocol.MSGPACK

    def settings(self) -> dict[str, str]:
        return room_for(self.viewers)

    async def run(self, service: Service, view: View) -> Result:
        load = hot_room("idle", self.viewers, 0, 100, self.subprotocol.protocol, self.processes)
        async with measurement(load, service, view, idle_s=self.seconds) as running:
            ended = tallied(tally["ended"] for tally in await running.people.take())
        cpu_s = running.joining.get("idle_cpu_s", {})
        return {**running.joining, "cpu_s": cpu_s, "closed": sum(ended.values()), "closed_with": ended}
