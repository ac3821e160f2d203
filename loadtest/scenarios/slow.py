"""`slow`: a share of the viewers reads too slowly; what the others and the edge notice of it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer

from loadtest import options
from loadtest.crowd import Audience, Crowd, crowd
from loadtest.figures import Result, median_points, summary, tallied, total
from loadtest.load import hot_room
from loadtest.measurement import measurement
from loadtest.scenario import OnService, room_for, shown_by
from loadtest.service import Service
from loadtest.view import View

_ADDRESSES: Final = 500  # where the slow ones come from
_LOOK_S: Final = 0.2
_REST_S: Final = 5.0  # how long they read on in the end: close codes lie behind what was not read


@dataclass(frozen=True, slots=True)
class Slow(OnService):
    """A share of --viewers reads too slowly: the others' latency, the edge's memory, who is closed and how.

    First all of those watch who read well, then the slow ones join and read no more than --read-bytes a
    second each, of about rate x payload. In the end they read on, and what became of them is told.

    Example: python -m loadtest slow --share 0.2 --payload 4000
    """

    viewers: options.Viewers = 1000
    share: Annotated[float, typer.Option(min=0.001, max=0.999, help="Of the viewers read slowly.")] = 0.1
    read_bytes: Annotated[int, typer.Option(min=1, help="Bytes a second that a slow viewer reads.")] = 1000
    buffered: Annotated[
        int, typer.Option(min=16 * 1024, help="Bytes that an edge of our own holds for one viewer.")
    ] = 256 * 1024
    patience: Annotated[
        float, typer.Option(min=0.05, help="Seconds that an edge of our own bears one who stays behind.")
    ] = 30.0
    rate: options.Rate = 20.0
    payload: options.Payload = 2000
    seconds: options.Seconds = 20.0
    rounds: options.Rounds = 3
    processes: options.Processes = 1
    subprotocol: options.Sub = options.Subprotocol.MSGPACK

    @property
    def slow(self) -> int:
        """How many are slow: at least one."""
        return max(1, round(self.viewers * self.share))

    def settings(self) -> dict[str, str]:
        return {
            **room_for(self.viewers),
            **shown_by(1000, self.payload, 50.0),
            "DANMAKU_EDGE_BUFFERED_BYTES": str(self.buffered),
            "DANMAKU_EDGE_SLOW_S": str(self.patience),
        }

    async def run(self, service: Service, view: View) -> Result:
        well = self.viewers - self.slow
        if well < 1:
            raise typer.BadParameter("--share leaves nobody who reads well")
        protocol = self.subprotocol.protocol
        load = hot_room("hot", well, self.rate, self.payload, protocol, self.processes)
        laggards = Audience(
            (("hot", self.slow),), protocol, first_address=_ADDRESSES, bytes_per_s=self.read_bytes
        )
        async with AsyncExitStack() as stack:
            running = await stack.enter_async_context(measurement(load, service, view))
            quiet = await running.window(self.seconds, "all read well")
            late = await stack.enter_async_context(crowd(service.host, service.port, laggards))
            before = running.family.edge_rss()
            joined, _ = await late.joined()
            view.say(f"{joined} slow viewers joined")
            rounds = await running.rounds(self.rounds, self.seconds)
            peak = max(sample["rss_bytes"].get("edge", 0) for part in rounds for sample in part["samples"])
            view.phase("the slow ones read on")
            fate = await _fate(late)
        result = {**running.joining, **summary(rounds), "slow_viewers": joined, **_of_slow(fate)}
        result["quiet_latency_ms"] = quiet["latency_ms"]
        result["with_slow_latency_ms"] = median_points([part["latency_ms"] for part in rounds])
        if running.family.processes:
            result["edge_rss_growth_bytes"] = peak - before
            result["rss_bytes_per_slow_viewer"] = (peak - before) / joined
        return result


async def _fate(late: Crowd) -> list[dict[str, Any]]:
    """All they ever got, once they have read what was left for them."""
    late.hurry()
    tallies: list[dict[str, Any]] = []
    deadline = asyncio.get_running_loop().time() + _REST_S
    while asyncio.get_running_loop().time() < deadline:
        came = await late.take()
        tallies += came
        if not any(tally["size"] or tally["ended"] for tally in came):
            break
        await asyncio.sleep(_LOOK_S)
    return tallies


def _of_slow(tallies: list[dict[str, Any]]) -> Result:
    came = total(tallies, ("deliveries", "duplicates", "gaps", "missing", "skipped", "misdirected"))
    ended = tallied(tally["ended"] for tally in tallies)
    return {
        "slow_delivered": came["deliveries"],
        "slow_missed": came["missing"] + came["skipped"],
        "slow_duplicates": came["duplicates"],
        "slow_misdirected": came["misdirected"],
        "slow_closed": sum(ended.values()),
        "slow_closed_with": ended,
    }
