"""`rooms`: many rooms of different sizes."""

from __future__ import annotations

from dataclasses import dataclass

import typer

from loadtest import options
from loadtest.figures import Result, summary
from loadtest.load import Load, many_rooms
from loadtest.measurement import measurement
from loadtest.scenario import OnService, room_for, shown_by
from loadtest.service import Service
from loadtest.view import View


@dataclass(frozen=True, slots=True)
class Rooms(OnService):
    """Many rooms, a few of which have most of the viewers, and each a rate that fits its size.

    The n-th room has 1 / n^--zipf of the viewers and the comments of the first.

    Example: python -m loadtest rooms --rooms 500 --viewers 10000 --rate 200
    """

    rooms: options.Rooms = 500
    viewers: options.Viewers = 10_000
    rate: options.Rate = 200.0
    zipf: options.Zipf = 1.0
    payload: options.Payload = 110
    seconds: options.Seconds = 10.0
    rounds: options.Rounds = 5
    idle: options.Idle = 0.0
    processes: options.Processes = 1
    workers: options.Workers = 1
    subprotocol: options.Sub = options.Subprotocol.MSGPACK
    display: options.Display = 40
    window_ms: options.Window = 50.0

    def settings(self) -> dict[str, str]:
        return {**room_for(self.viewers), **shown_by(self.display, self.payload, self.window_ms)}

    async def run(self, service: Service, view: View) -> Result:
        load = self.load()
        async with measurement(load, service, view, idle_s=self.idle) as running:
            rounds = await running.rounds(self.rounds, self.seconds)
        return {
            "rooms": self.rooms,
            "largest_room": load.rooms[0].viewers,
            "smallest_room": load.rooms[-1].viewers,
            **running.joining,
            **summary(rounds),
        }

    def load(self) -> Load:
        """Raises BadParameter with fewer viewers than rooms."""
        try:
            return many_rooms(
                self.rooms, self.viewers, self.rate, self.zipf, self.payload, self.subprotocol.protocol,
                self.processes,
            )  # fmt: skip
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
