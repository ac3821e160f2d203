"""`fanout`: one hot room."""

from __future__ import annotations

from dataclasses import dataclass, replace

from loadtest import options
from loadtest.figures import Result, summary
from loadtest.load import hot_room
from loadtest.measurement import measurement
from loadtest.scenario import OnService, room_for, shown_by
from loadtest.service import Service
from loadtest.view import View


@dataclass(frozen=True, slots=True)
class Fanout(OnService):
    """One hot room: --viewers see --rate comments a second.

    Example: python -m loadtest fanout --viewers 5000 --rate 20 --json fanout.json
    """

    room: options.Name = "hot"
    viewers: options.Viewers = 5000
    rate: options.Rate = 20.0
    payload: options.Payload = 100
    seconds: options.Seconds = 10.0
    rounds: options.Rounds = 5
    idle: options.Idle = 20.0
    processes: options.Processes = 1
    workers: options.Workers = 1
    subprotocol: options.Sub = options.Subprotocol.MSGPACK
    deflate: options.Deflate = False
    floor: options.Floor = True
    display: options.Display = 40
    window_ms: options.Window = 50.0

    def settings(self) -> dict[str, str]:
        return {**room_for(self.viewers), **shown_by(self.display, self.payload, self.window_ms)}

    async def run(self, service: Service, view: View) -> Result:
        load = hot_room(
            self.room, self.viewers, self.rate, self.payload, self.subprotocol.protocol, self.processes
        )
        load = replace(load, deflate=self.deflate)
        async with measurement(load, service, view, idle_s=self.idle, with_floor=self.floor) as running:
            return {**running.joining, **summary(await running.rounds(self.rounds, self.seconds))}
