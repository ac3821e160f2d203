"""`compression`: a busy room of those who ask for compressed batches beside one of those who do not."""

from __future__ import annotations

import statistics
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Annotated, Final

import typer

from loadtest import options
from loadtest.figures import Result, summary
from loadtest.load import hot_room
from loadtest.measurement import Measurement, line, measurement
from loadtest.scenario import OnService, room_for, shown_by
from loadtest.service import Service
from loadtest.view import View

_NAMES: Final = "plain", "compressed"


@dataclass(frozen=True, slots=True)
class Compression(OnService):
    """What compressed batches cost and save: two rooms with --viewers each, of one service.

    The viewers of one ask for compression. Windows of the two take turns, so that the ratios do not hang on
    the hour's mood of the machine: of the CPU time of all processes, and of bytes, for each delivery. What a
    window costs without regard to its viewers, and its silence, is in the cost of both kinds, so the ratio of
    CPU is nearer to 1 than that of batches alone. Figures are of each kind by itself (`kinds`), only what is
    counted is of both.

    Example: python -m loadtest compression --viewers 3000
    """

    viewers: options.Viewers = 1000
    rate: options.Rate = 400.0
    payload: options.Payload = 100
    seconds: options.Seconds = 5.0
    rounds: Annotated[int, typer.Option(min=1, help="Pairs of windows; ratios are medians of pairs.")] = 11
    subprotocol: options.Sub = options.Subprotocol.MSGPACK
    display: options.Display = 1000
    window_ms: options.Window = 50.0

    def settings(self) -> dict[str, str]:
        return {**room_for(2 * self.viewers), **shown_by(self.display, self.payload, self.window_ms)}

    async def run(self, service: Service, view: View) -> Result:
        windows: dict[str, list[Result]] = {name: [] for name in _NAMES}
        async with AsyncExitStack() as stack:
            rooms = {name: await self._joined(stack, name, service, view) for name in _NAMES}
            for number in range(self.rounds):
                for name in turns(number):
                    title = f"{name}, window {number + 1} of {self.rounds}"
                    found = await rooms[name].window(self.seconds, title)
                    view.say(f"{name}: {line(found)}")
                    windows[name].append(found)
        return told({name: room.joining for name, room in rooms.items()}, windows)

    async def _joined(self, stack: AsyncExitStack, name: str, service: Service, view: View) -> Measurement:
        load = hot_room(name, self.viewers, self.rate, self.payload, self.subprotocol.protocol)
        load = replace(load, deflate=name == "compressed")
        return await stack.enter_async_context(measurement(load, service, view))


def turns(number: int) -> tuple[str, ...]:
    """Which kind is first in a round: the other one in the next, lest either gains by its place."""
    return _NAMES[::-1] if number % 2 else _NAMES


def told(joining: dict[str, Result], windows: dict[str, list[Result]]) -> Result:
    """Counts of both kinds, figures of each, what one is to the other."""
    rounds = [
        {"kind": name, **windows[name][number]}
        for number in range(len(windows[_NAMES[0]]))
        for name in turns(number)
    ]
    kinds = {name: {**joining[name], **summary(windows[name])} for name in _NAMES}
    for figures in kinds.values():
        del figures["rounds"]
    of_both = {**summary(rounds, measured=()), "latency_ms": None, "cpu_s": None}
    return {**of_both, "kinds": kinds, **compared(*(windows[name] for name in _NAMES))}


def compared(plain: list[Result], compressed: list[Result]) -> Result:
    """Of pairs of windows in which something came. Without the CPU time of a service that is not ours."""
    both = zip(plain, compressed, strict=True)
    pairs = [pair for pair in both if all(one["delivered"] for one in pair)]
    if not pairs:
        return {}
    result: Result = {
        "bytes_per_delivery_plain": statistics.median(_bytes(before) for before, _ in pairs),
        "bytes_per_delivery_compressed": statistics.median(_bytes(after) for _, after in pairs),
        "bytes_ratio": statistics.median(_bytes(after) / _bytes(before) for before, after in pairs),
    }
    if all(before.get("cpu_us_per_delivery") for before, _ in pairs):
        ratios = sorted(
            after["cpu_us_per_delivery"] / before["cpu_us_per_delivery"] for before, after in pairs
        )
        result |= {"cpu_ratio": statistics.median(ratios), "cpu_ratios": ratios}
    return result


def _bytes(window: Result) -> float:
    """On the wire, of one delivery."""
    return float(window["frames"] * window["frame_bytes"] / window["delivered"])
