"""Alive, ready, and measured."""

from __future__ import annotations

import asyncio

import msgspec

from danmaku.telemetry import CONTENT_TYPE, EdgeMetrics, scrape
from edge.admission import Admission
from edge.api.routing import Call, RoomsClient, Route, Who, answered
from edge.uws import Response


class Health(msgspec.Struct):
    status: str = "ok"


class Readiness(msgspec.Struct):
    """What this edge can reach, and whether it takes newcomers. Ready when all of it is true."""

    ready: bool
    bus: bool
    store: bool
    owners: bool
    newcomers: bool


class HealthCalls:
    def __init__(self, rooms: RoomsClient, admission: Admission, counted: EdgeMetrics) -> None:
        self._rooms = rooms
        self._admission = admission
        self._counted = counted

    def routes(self) -> list[Route]:
        alive = "This process is alive."
        ready = "200 when bus, store and the owners of all rooms can be reached and it drains not, else 503."
        metrics = "Prometheus metrics of all processes of this node."
        anyone = Who.ANYONE
        return [
            Route("GET", "/healthz", anyone, alive, self.healthz, answer=Health, paced=False),
            Route("GET", "/readyz", anyone, ready, self.readyz, answer=Readiness, other=503, paced=False),
            Route("GET", "/metrics", anyone, metrics, self.metrics, media="text/plain", paced=False),
        ]

    async def healthz(self, call: Call) -> Health:
        return Health()

    async def readyz(self, call: Call) -> Response:
        reached = self._rooms.ready() | {"newcomers": not self._admission.is_closed}
        ready = all(reached.values())
        return answered(Readiness(ready, **reached), 200 if ready else 503)

    async def metrics(self, call: Call) -> Response:
        self._counted.hand_over()
        text = await asyncio.to_thread(scrape)  # it reads files
        return Response(200, text, (("Content-Type", CONTENT_TYPE),))
