"""`rolling`: a service is updated under load; what viewers and senders notice of it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import urllib.error
import urllib.request
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

import typer

from loadtest import options
from loadtest.figures import Result, summary
from loadtest.load import Load, many_rooms
from loadtest.measurement import Measurement, line, measurement
from loadtest.scenario import OnService, room_for, shown_by
from loadtest.service import Service
from loadtest.view import View

_PAYLOAD: Final = 110
_FIRST_S: Final = 1.0  # of a window, before the process is told to stop
_AFTER_S: Final = 4.0  # beyond what it takes to drain
_BACK_S: Final = 60.0
_POLL_S: Final = 0.2
_ASK_S: Final = 5.0
_EACH: Final = 2  # edge workers, and rooms processes


@dataclass(frozen=True, slots=True)
class Rolling(OnService):
    """Restart two edge workers and two rooms processes one after the other, by SIGTERM, as an update does.

    Viewers are told to reconnect, within --drain seconds; rooms are handed over. None of them may miss or see
    anything twice, nor come back more often than there was reason to. It needs a service of its own.

    Example: python -m loadtest rolling --viewers 5000 --rate 200
    """

    rooms: options.Rooms = 50
    viewers: options.Viewers = 5_000
    rate: options.Rate = 200.0
    zipf: options.Zipf = 1.0
    drain: Annotated[float, typer.Option(min=0.5, help="edge.drain_s: seconds an edge has to stop.")] = 10.0
    seconds: options.Seconds = 5.0
    processes: options.Processes = 1
    subprotocol: options.Sub = options.Subprotocol.MSGPACK

    @property
    def workers(self) -> int:
        return _EACH

    @property
    def rooms_processes(self) -> int:
        return _EACH

    @property
    def role(self) -> str:
        return "admin"

    def settings(self) -> dict[str, str]:
        display = max(1, round(self.rate))
        return {
            **room_for(self.viewers),
            **shown_by(display, _PAYLOAD, 50.0),
            "DANMAKU_POLICY_DISPLAY_HIGH_PER_S": "0",
            "DANMAKU_EDGE_DRAIN_S": str(self.drain),
        }

    def load(self) -> Load:
        """Raises BadParameter with fewer viewers than rooms."""
        protocol = self.subprotocol.protocol
        try:
            load = many_rooms(
                self.rooms, self.viewers, self.rate, self.zipf, _PAYLOAD, protocol, self.processes
            )
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
        return replace(load, returning=True)

    async def run(self, service: Service, view: View) -> Result:
        if not service.pid:
            raise typer.BadParameter("rolling restarts processes: it needs a service of its own, no --url")
        load = self.load()
        await _until_whole(service, set())
        async with measurement(load, service, view) as running:
            running.family.look()
            windows = [await running.window(self.seconds, "before")]
            view.say(line(windows[0]))
            restarts: dict[str, list[Result]] = {"edge": [], "rooms": []}
            for kind, done in restarts.items():
                for pid in running.family.pids(kind):
                    name = f"{kind} {len(done) + 1} of {_EACH} is restarted"
                    seconds = _FIRST_S + _AFTER_S + (self.drain if kind == "edge" else 0.0)
                    done.append(await _restarted(running, service, pid, seconds, name))
                    running.family.look()
                    view.say(f"{name}: {line(done[-1])}")
            after = await running.window(self.seconds, "after")
        windows += [*restarts["edge"], *restarts["rooms"], after]
        edges = restarts["edge"]
        return {
            **running.joining,
            **summary(windows),
            "unanswered": sum(part["unanswered"] for part in windows),
            "returned": sum(part["returned"] for part in windows),
            "returned_per_restart": {str(number + 1): part["returned"] for number, part in enumerate(edges)},
            "retries": sum(part["retries"] for part in windows),
            "most_returns": after["most_returns"],
            "reconnects_too_many": _too_many(edges, [windows[0], *restarts["rooms"], after]),
            "away_ms": {name: max(part["away_ms"][name] for part in edges) for name in after["away_ms"]},
            "quiet_latency_ms": windows[0]["latency_ms"],
            "edge_restart_latency_ms": _worst(edges),
            "rooms_restart_latency_ms": _worst(restarts["rooms"]),
        }


async def _restarted(running: Measurement, service: Service, pid: int, seconds: float, name: str) -> Result:
    """A window in which the process is told to stop; when all is whole again. Raises ConnectionError."""
    before = await _fleet(service)
    window = asyncio.create_task(running.window(seconds, name))
    try:
        await asyncio.sleep(_FIRST_S)
        os.kill(pid, signal.SIGTERM)
        result = await window
    finally:
        window.cancel()
        await asyncio.gather(window, return_exceptions=True)
    await _until_whole(service, _names(before))
    return result


async def _until_whole(service: Service, before: set[str]) -> None:
    """Until two of each kind serve, not all of them of those `before`. Raises ConnectionError."""
    try:
        async with asyncio.timeout(_BACK_S):
            while True:
                fleet = await _fleet(service)
                if _is_whole(fleet) and not (before and _names(fleet) <= before):
                    return
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        raise ConnectionError(f"the service was not whole again after {_BACK_S:.0f} s") from None


def _is_whole(fleet: Any) -> bool:
    edges = [one for one in fleet["edges"] if not one["draining"]]
    owners = [one for one in fleet["rooms"] if not one["leaving"] and one["partitions"]]
    return len(edges) == len(owners) == _EACH and not fleet["unowned"]


def _names(fleet: Any) -> set[str]:
    return {one["edge"] for one in fleet["edges"]} | {one["process"] for one in fleet["rooms"]}


async def _fleet(service: Service) -> Any:
    """What of it runs; nothing while nobody answers."""
    request = urllib.request.Request(
        f"http://{service.host}:{service.port}/v1/fleet", headers={"Authorization": f"Bearer {service.token}"}
    )

    def ask() -> Any:
        with urllib.request.urlopen(request, timeout=_ASK_S) as answer:  # noqa: S310  our own http
            return json.load(answer)

    try:
        return await asyncio.to_thread(ask)
    except (urllib.error.URLError, OSError):
        return {"edges": [], "rooms": [], "unowned": 0}


def _too_many(edges: list[Result], others: list[Result]) -> int:
    """Returns that no restart of an edge worker explains."""
    unexplained = [part["returned"] for part in others]
    unexplained += [max(part["most_returns"] - number, 0) for number, part in enumerate(edges, 1)]
    return sum(unexplained)


def _worst(parts: list[Result]) -> dict[str, float]:
    return {name: max(part["latency_ms"][name] for part in parts) for name in parts[0]["latency_ms"]}
