"""`floor`: the bare send(2) loop by itself."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from loadtest import options
from loadtest.figures import Result
from loadtest.load import hot_room
from loadtest.measurement import bare_loop
from loadtest.options import Target
from loadtest.scenario import Scenario
from loadtest.view import View


@dataclass(frozen=True, slots=True)
class Floor(Scenario):
    """What the kernel alone asks for: a bare send(2) loop in C, compiled here, to as many sockets.

    Example: python -m loadtest floor --viewers 5000
    """

    viewers: options.Viewers = 5000
    rate: options.Rate = 20.0
    payload: options.Payload = 100
    seconds: options.Seconds = 10.0
    rounds: options.Rounds = 5
    processes: options.Processes = 1

    async def measure(self, target: Target, view: View) -> Result:
        load = hot_room("hot", self.viewers, self.rate, self.payload, processes=self.processes)
        windows = []
        async with bare_loop(load, view) as loop:
            for number in range(self.rounds):
                view.phase(f"window {number + 1} of {self.rounds}")
                frames, cpu, failed = await loop.window(self.seconds)
                windows.append((frames, cpu, failed))
                view.say(f"{cpu / max(frames, 1) * 1e6:.2f} us a frame")
        return {
            "viewers": self.viewers,
            "frames": sum(frames for frames, _, _ in windows),
            "floor_failed": sum(failed for _, _, failed in windows),
            "floor_cpu_us_per_frame": statistics.median(
                cpu / max(frames, 1) * 1e6 for frames, cpu, _ in windows
            ),
        }
