"""`peer`: other servers beside ours, each in turn with the floor."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer

from loadtest import options
from loadtest.crowd import Audience, crowd
from loadtest.figures import Result, summary
from loadtest.floor import Floor
from loadtest.load import Load, hot_room
from loadtest.measurement import Measurement, bare_loop, join, line, measurement
from loadtest.options import Target
from loadtest.peers import PEERS, Running, started
from loadtest.processes import Family
from loadtest.publisher import Publisher
from loadtest.scenario import Scenario, room_for, shown_by
from loadtest.service import own_service
from loadtest.talk import Dialect
from loadtest.view import View

_ADDRESSES: Final = 20  # between those of two peers


class Name(StrEnum):
    DANMAKU = "danmaku"
    NATS = "nats"
    WS = "ws"
    SOCKETIO = "socketio"
    NCHAN = "nchan"
    CENTRIFUGO = "centrifugo"


_Names = Annotated[list[Name], typer.Argument(metavar="NAME...", help="Which.", show_default=False)]


@dataclass(frozen=True, slots=True)
class Peer(Scenario):
    """Other servers with the same load: CPU per frame of each over the bare send(2) loop.

    All are there at once; windows of each, and of the floor before it, take turns. Each is started
    here and has to be installed, or is used where --at says. `danmaku` is our own service.

    Example: python -m loadtest peer danmaku nats ws socketio nchan --modules node_modules
    """

    names: _Names = field()
    at: Annotated[
        list[str],
        typer.Option(metavar="NAME=URL", help="Where one runs: nchan=http://127.0.0.1:8088. Repeatable."),
    ] = field(default_factory=list)
    modules: Annotated[str, typer.Option(metavar="FOLDER", help="The node_modules of ws and socketio.")] = (
        "node_modules"
    )
    viewers: options.Viewers = 5000
    rate: options.Rate = 20.0
    payload: options.Payload = 100
    seconds: options.Seconds = 10.0
    rounds: options.Rounds = 5
    processes: options.Processes = 1
    floor: options.Floor = True

    async def measure(self, target: Target, view: View) -> Result:
        given = self._given()
        names = list(dict.fromkeys(self.names))
        load = hot_room("hot", self.viewers, self.rate, self.payload, processes=self.processes)
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="danmaku-peers-")))
            below = await stack.enter_async_context(bare_loop(load, view)) if self.floor else None
            running: dict[Name, Measurement] = {}
            for number, name in enumerate(names):
                view.phase(f"starting {name}")
                running[name] = await stack.enter_async_context(
                    self._ours(load, below, view)
                    if name is Name.DANMAKU
                    else self._theirs(name, given.get(name), folder, number * _ADDRESSES, load, below, view)
                )
            rounds: dict[Name, list[Result]] = {name: [] for name in names}
            for number in range(self.rounds):
                for name in names:
                    window = await running[name].window(self.seconds, f"{name}, window {number + 1}")
                    rounds[name].append(window)
                    view.say(f"{name}: {line(window)}")
            told = {str(name): {**running[name].joining, **summary(rounds[name])} for name in names}
        return _side_by_side(told)

    def _given(self) -> dict[Name, Running]:
        given: dict[Name, Running] = {}
        for word in self.at:
            name, _, url = word.partition("=")
            parts = urlsplit(url)
            if name not in PEERS or parts.scheme not in {"http", "ws"} or not parts.hostname:
                raise typer.BadParameter(f"--at is like nchan=http://127.0.0.1:8088, not {word!r}")
            given[Name(name)] = Running(parts.hostname, parts.port or 80)
        return given

    def _modules(self) -> Path:
        return Path(self.modules).resolve()

    @asynccontextmanager
    async def _ours(self, load: Load, below: Floor | None, view: View) -> AsyncIterator[Measurement]:
        limits = {**room_for(self.viewers), **shown_by(1000, self.payload, 50.0)}
        async with own_service(limits) as service, measurement(load, service, view, below=below) as running:
            yield running

    @asynccontextmanager
    async def _theirs(
        self, name: Name, given: Running | None, folder: Path, first_address: int, load: Load,
        below: Floor | None, view: View,
    ) -> AsyncIterator[Measurement]:  # fmt: skip
        peer = PEERS[name]
        dialect: Dialect = peer.dialect
        async with AsyncExitStack() as stack:
            where = given
            if where is None:
                where = await stack.enter_async_context(started(name, peer, folder, self._modules()))
            whole = Family.as_one(where.pid, "edge") if where.pid else Family()
            audience = Audience(
                (("", load.viewers),), load.protocol, load.processes, first_address, dialect=dialect
            )
            people = await stack.enter_async_context(crowd(where.host, where.port, audience))
            joining = await join(people, load.viewers, whole, view)
            speaker = await stack.enter_async_context(
                Publisher(where.host, where.port, dialect, self.rate, self.payload)
            )
            yield Measurement(load, people, [speaker], below, whole, view, joining)


def _side_by_side(told: dict[str, Result]) -> Result:
    """The figures of each, what is to be compared by name; the stable keys are those of the first."""
    compared = "ratio_to_floor", "cpu_us_per_frame", "rss_bytes_per_viewer", "lost"
    first = next(iter(told.values()))
    return {
        **first,
        **{
            f"{key}_of": {
                name: figures[key] for name, figures in told.items() if figures.get(key) is not None
            }
            for key in compared
        },
        "p99_ms_of": {name: figures["latency_ms"]["p99"] for name, figures in told.items()},
        "peers": told,
    }
