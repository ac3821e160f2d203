"""`goim`: the benchmark that goim publishes."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Final

from loadtest import options
from loadtest.figures import Result, summary
from loadtest.load import Load, hot_room
from loadtest.measurement import bare_loop, measurement
from loadtest.scenario import OnService, room_for, shown_by
from loadtest.service import Service
from loadtest.view import View

_ITEM: Final = 50  # what each further one adds to a frame
_SMALLEST: Final = 92  # a frame with a comment of 19 letters, which is the stamp alone


@dataclass(frozen=True, slots=True)
class Goim(OnService):
    """goim's published benchmark: 40 small pushes a second to everybody, here comments of 19 letters.

    The bare loop beside it sends as many frames, and as large ones before they are compressed.

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
    floor: options.Floor = True
    display: options.Display = 10_000
    window_ms: options.Window = 200.0

    def settings(self) -> dict[str, str]:
        return {**room_for(self.viewers), **shown_by(self.display, _SMALLEST, self.window_ms)}

    async def run(self, service: Service, view: View) -> Result:
        protocol = self.subprotocol.protocol
        load = hot_room("hot", self.viewers, self.rate, _SMALLEST, protocol, self.processes)
        load = replace(load, deflate=self.deflate)
        async with AsyncExitStack() as stack:
            below = await stack.enter_async_context(bare_loop(self._below(), view)) if self.floor else None
            running = await stack.enter_async_context(measurement(load, service, view, below=below))
            return {**running.joining, **summary(await running.rounds(self.rounds, self.seconds))}

    def _below(self) -> Load:
        """A frame in each window, with all that is said in it."""
        frames = min(self.rate, 1000 / self.window_ms)
        size = _SMALLEST + round((self.rate / frames - 1) * _ITEM)
        return hot_room("hot", self.viewers, frames, size, self.subprotocol.protocol, self.processes)
