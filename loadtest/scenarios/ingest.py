"""`ingest`: many senders, all processes of the service counted together."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

from loadtest import ingester, options
from loadtest.figures import Result, summary
from loadtest.floor import Floor
from loadtest.ingesting import Ingesting, ingesting, line
from loadtest.load import hot_room
from loadtest.measurement import bare_loop
from loadtest.scenario import OnService
from loadtest.service import Service
from loadtest.view import View

COUNTED: Final = ("offered", "accepted", "shown", "shed", "unanswered", "expected", "delivered", "lost")
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
    senders: options.Senders = 200
    rate: options.Rate = 5000.0
    text: options.Text = 20
    seconds: options.Seconds = 10.0
    rounds: options.Rounds = 5
    processes: options.Processes = 1
    floor: options.Floor = True
    display: options.Display = 1_000_000

    def settings(self) -> dict[str, str]:
        return {"DANMAKU_POLICY_DISPLAY_PER_S": str(self.display)}

    async def run(self, service: Service, view: View) -> Result:
        plan = ingester.Plan(
            service.host, service.port, service.token, self.rooms, self.senders, self.rate, self.text
        )
        async with AsyncExitStack() as stack:
            view.phase("joining")
            senders = await stack.enter_async_context(ingesting(service, plan, self.processes))
            view.say(f"{self.senders} senders are in {self.rooms} rooms")
            below = None
            if self.floor:
                below = await stack.enter_async_context(bare_loop(hot_room("hot", 5000, 20), view))
            rounds: list[Result] = []
            for number in range(self.rounds):
                view.phase(f"window {number + 1} of {self.rounds}")
                rounds.append(await self._window(senders, below))
                view.say(line(rounds[-1]))
        return summary(rounds, COUNTED, _MEASURED)

    async def _window(self, senders: Ingesting, below: Floor | None) -> Result:
        result: Result = {}
        if below is not None:
            sent, cpu, _ = await below.window(self.seconds)
            result["floor_cpu_us_per_frame"] = cpu / max(sent, 1) * 1e6
        result |= await senders.window(self.seconds)
        if below is not None and result["cpu_s"]:
            result["ratio_to_floor"] = result["cpu_us_per_comment"] / result["floor_cpu_us_per_frame"]
        return result
