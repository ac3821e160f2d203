"""`python -m loadtest`: load on a deployment, and what it made of it."""

from __future__ import annotations

import asyncio
import json
import platform
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from enum import StrEnum
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.table import Table

from danmaku import wire
from loadtest import fanout as hot_room
from loadtest import flood as flooded_room
from loadtest import flooder
from loadtest import ingest as many_senders
from loadtest import storm as join_storm
from loadtest.fanout import Say
from loadtest.floor import NoCompiler
from loadtest.report import check_plotter, page
from loadtest.service import Service, ServiceFailed, own_service

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Put load on a danmaku service and measure it."
)
_PROTOCOLS = {"msgpack": wire.MSGPACK_PROTOCOL, "json": wire.JSON_PROTOCOL}


class Kind(StrEnum):
    FRAMES = "frames"
    SOCKETS = "sockets"


@app.callback()
def main() -> None:
    """Every scenario checks what it receives: order, gaps, duplicates."""


Url = Annotated[str, typer.Option(help="A running service, http://host:port. Empty: start one here.")]
Token = Annotated[str, typer.Option(help="Token of the senders, with --url.")]
Viewers = Annotated[int, typer.Option(min=1)]
Rate = Annotated[float, typer.Option(min=0.1, help="Comments per second.")]
Payload = Annotated[int, typer.Option(min=92, help="Bytes of a frame with one comment.")]
Seconds = Annotated[float, typer.Option(min=1, help="Length of one window.")]
Rounds = Annotated[int, typer.Option(min=1, help="Windows; figures are medians.")]
Processes = Annotated[int, typer.Option(min=1, help="Client processes.")]
Subprotocol = Annotated[str, typer.Option(help="msgpack or json")]
WithFloor = Annotated[bool, typer.Option("--floor/--no-floor", help="Run a bare send(2) loop beside it.")]
Display = Annotated[int, typer.Option(min=1, help="Comments per second that a room of our own shows.")]
Window = Annotated[float, typer.Option(min=1, help="Batching window of our own service, in ms.")]
Report = Annotated[
    str, typer.Option("--report", help="Write a page with plots here: one file, for any browser.")
]
JsonFile = Annotated[str, typer.Option("--json", help="Write the figures here; - is stdout.")]


@app.command()
def fanout(
    url: Url = "",
    token: Token = "",
    room: Annotated[str, typer.Option()] = "hot",
    viewers: Viewers = 5000,
    rate: Rate = 20.0,
    payload: Payload = 100,
    seconds: Seconds = 10.0,
    rounds: Rounds = 5,
    idle: Annotated[float, typer.Option(min=0, help="Seconds to watch what quiet viewers cost.")] = 20.0,
    processes: Processes = 1,
    subprotocol: Subprotocol = "msgpack",
    floor: WithFloor = True,
    display: Display = 40,
    window: Window = 50.0,
    report: Report = "",
    json_file: JsonFile = "",
) -> None:
    """One hot room: --viewers see --rate comments a second.

    Example: python -m loadtest fanout --viewers 5000 --rate 20 --json fanout.json
    """
    plan = hot_room.Fanout(
        room, viewers, rate, payload, seconds, rounds, idle,
        swarms=processes, protocol=_protocol(subprotocol), with_floor=floor,
    )  # fmt: skip
    _hot_room("fanout", plan, url, token, display, window, json_file, report)


@app.command()
def goim(
    url: Url = "",
    token: Token = "",
    viewers: Viewers = 5000,
    rate: Rate = 40.0,
    seconds: Seconds = 10.0,
    rounds: Rounds = 5,
    processes: Processes = 1,
    subprotocol: Subprotocol = "msgpack",
    display: Display = 10_000,
    window: Window = 200.0,
    report: Report = "",
    json_file: JsonFile = "",
) -> None:
    """goim's published benchmark: 40 small pushes a second to everybody, here comments of 19 letters.

    Example: python -m loadtest goim --window 1000
    """
    plan = hot_room.Fanout(
        "hot", viewers, rate, 92, seconds, rounds, 1.0,
        swarms=processes, protocol=_protocol(subprotocol), with_floor=False,
    )  # fmt: skip
    _hot_room("goim", plan, url, token, display, window, json_file, report)


@app.command()
def idle(
    url: Url = "",
    token: Token = "",
    viewers: Viewers = 15_000,
    seconds: Seconds = 20.0,
    processes: Processes = 1,
    subprotocol: Subprotocol = "msgpack",
    json_file: JsonFile = "",
) -> None:
    """--viewers of one room in which nothing is said: what they cost in CPU and memory.

    Example: python -m loadtest idle --viewers 15000
    """
    plan = hot_room.Fanout(
        "idle", viewers, rounds=0, idle_s=seconds, swarms=processes, protocol=_protocol(subprotocol)
    )
    limits = {"DANMAKU_EDGE_CONNECTIONS": str(max(15_000, viewers + 1000))}
    _measure(
        "idle",
        partial(hot_room.run_idle, plan),
        asdict(plan),
        url,
        token,
        limits,
        json_file,
    )


@app.command()
def storm(
    url: Url = "",
    token: Token = "",
    viewers: Viewers = 500,
    newcomers: Annotated[int, typer.Option(min=1, help="So many more join, as fast as they can.")] = 15_000,
    rate: Rate = 20.0,
    seconds: Seconds = 5.0,
    processes: Processes = 1,
    subprotocol: Subprotocol = "msgpack",
    json_file: JsonFile = "",
) -> None:
    """--newcomers join a room at once: how fast they get in, and how late others see comments meanwhile.

    Example: python -m loadtest storm --newcomers 15000
    """
    plan = hot_room.Fanout(
        "hot",
        viewers,
        rate,
        100,
        seconds,
        swarms=processes,
        protocol=_protocol(subprotocol),
        with_floor=False,
    )
    limits = {"DANMAKU_EDGE_CONNECTIONS": str(max(15_000, viewers + newcomers + 1000))}
    _measure(
        "storm",
        partial(join_storm.run, plan, newcomers),
        asdict(plan),
        url,
        token,
        limits,
        json_file,
    )


@app.command()
def ingest(
    url: Url = "",
    token: Token = "",
    rooms: Annotated[int, typer.Option(min=1)] = 50,
    senders: Annotated[int, typer.Option(min=1, help="Connections that send, over all rooms.")] = 200,
    rate: Rate = 5000.0,
    text: Annotated[int, typer.Option(min=19, help="Letters of a comment.")] = 20,
    seconds: Seconds = 10.0,
    rounds: Rounds = 5,
    processes: Processes = 1,
    floor: WithFloor = True,
    display: Display = 1_000_000,
    json_file: JsonFile = "",
) -> None:
    """Many senders: what an accepted and acknowledged comment costs the whole service.

    Example: python -m loadtest ingest --rate 10000
    """
    plan = many_senders.Ingest(rooms, senders, rate, text, seconds, rounds, processes, display, floor)
    limits = {"DANMAKU_POLICY_DISPLAY_PER_S": str(display)}
    _measure(
        "ingest",
        partial(many_senders.run, plan),
        asdict(plan),
        url,
        token,
        limits,
        json_file,
    )


@app.command()
def floor(
    viewers: Viewers = 5000,
    rate: Rate = 20.0,
    payload: Payload = 100,
    seconds: Seconds = 10.0,
    rounds: Rounds = 5,
    processes: Processes = 1,
    json_file: JsonFile = "",
) -> None:
    """What the kernel alone asks for: a bare send(2) loop in C, compiled here, to as many sockets.

    Example: python -m loadtest floor --viewers 5000
    """
    plan = hot_room.Fanout("hot", viewers, rate, payload, seconds, rounds, swarms=processes)
    console = Console(stderr=True)
    try:
        figures = asyncio.run(hot_room.run_floor(plan, console.print))
    except (ConnectionError, NoCompiler) as error:
        console.print(f"[red]{error}[/red]", highlight=False)
        raise typer.Exit(1) from None
    _tell("floor", {**figures, "machine": _machine(), "settings": asdict(plan)}, json_file, console)


@app.command()
def flood(
    kind: Annotated[Kind, typer.Option(help="Too many frames from one socket, or too many sockets.")],
    url: Url = "",
    token: Token = "",
    viewers: Viewers = 500,
    rate: Rate = 20.0,
    frames: Annotated[int, typer.Option(min=100, help="Frames per second of one connection.")] = 10_000,
    sockets: Annotated[int, typer.Option(min=1, help="Connections from one address.")] = 2000,
    seconds: Seconds = 10.0,
    rounds: Annotated[int, typer.Option(min=1, help="Pairs of windows; figures are medians.")] = 5,
    json_file: JsonFile = "",
) -> None:
    """How much later --viewers see comments while somebody floods the service, and what that costs it.

    Example: python -m loadtest flood --kind frames
    """
    plan = hot_room.Fanout("hot", viewers, rate, 100, seconds, rounds, with_floor=False)
    limits = {
        "DANMAKU_EDGE_FRAMES_PER_S": "20",
        "DANMAKU_EDGE_FRAMES_BURST": "60",
        "DANMAKU_EDGE_CONNECTIONS_PER_ADDRESS": str(max(100, min(viewers, 10_000))),  # as a swarm has of one
    }

    def run(service: Service, say: Say) -> Awaitable[dict[str, Any]]:
        harm = flooder.Plan(service.host, service.port, kind.value, frames, sockets)
        return flooded_room.run(plan, harm, service, say)

    _measure("flood", run, {**asdict(plan), "kind": kind.value}, url, token, limits, json_file)


def _hot_room(
    title: str,
    plan: hot_room.Fanout,
    url: str,
    token: str,
    display: int,
    window_ms: float,
    json_file: str,
    report: str,
) -> None:
    limits = {
        "DANMAKU_POLICY_DISPLAY_PER_S": str(display),
        "DANMAKU_ROOMS_WINDOW_MS": str(window_ms),
        "DANMAKU_EDGE_CONNECTIONS": str(max(15_000, plan.viewers + 1000)),
    }
    settings = {**asdict(plan), "display_per_s": display, "window_ms": window_ms}
    run = partial(hot_room.run, plan)
    if report:
        check_plotter()
    figures = _measure(title, run, settings, url, token, limits, json_file)
    if report:
        Path(report).write_text(page(title, figures))


def _protocol(subprotocol: str) -> str:
    if subprotocol not in _PROTOCOLS:
        raise typer.BadParameter(f"subprotocol must be msgpack or json, not {subprotocol!r}")
    return _PROTOCOLS[subprotocol]


def _measure(
    title: str,
    run: Callable[[Service, Say], Awaitable[dict[str, Any]]],
    settings: dict[str, Any],
    url: str,
    token: str,
    limits: dict[str, str],
    json_file: str,
) -> dict[str, Any]:
    """Run it and tell the figures, and where they were taken. `limits` are for a service of our own."""
    if url and not token:
        raise typer.BadParameter(
            "--url needs --token, of a viewer who may say --rate comments a second there"
        )
    console = Console(stderr=True)
    try:
        figures = asyncio.run(_with_service(lambda service: run(service, console.print), url, token, limits))
    except (ConnectionError, NoCompiler, ServiceFailed) as error:
        console.print(f"[red]{error}[/red]", highlight=False)
        raise typer.Exit(1) from None
    where = {"machine": _machine(), "versions": _versions(), "settings": settings}
    _tell(title, {**figures, **where}, json_file, console)
    return {**figures, **where}


async def _with_service(
    run: Callable[[Service], Awaitable[dict[str, Any]]], url: str, token: str, settings: dict[str, str]
) -> dict[str, Any]:
    if url:
        parts = urlsplit(url)
        return await run(Service(parts.hostname or "127.0.0.1", parts.port or 80, token))
    async with own_service(settings) as service:
        return await run(service)


def _machine() -> dict[str, Any]:
    model = [
        line.split(":", 1)[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    ]
    return {
        "cpu": model[0] if model else platform.machine(),
        "cores": len(model),
        "kernel": platform.release(),
    }


def _versions() -> dict[str, str]:
    packages = ("danmaku", "socketify", "nats-py", "redis", "msgspec")
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in packages}}


def _tell(title: str, figures: dict[str, Any], json_file: str, console: Console) -> None:
    table = Table(title=title)
    table.add_column("figure")
    table.add_column("value", justify="right")
    for key, value in figures.items():
        if isinstance(value, int | float):
            table.add_row(key, f"{value:,.2f}" if isinstance(value, float) else f"{value:,}")
        elif key.endswith("latency_ms"):
            for name, point in value.items():
                table.add_row(f"{key.removesuffix('_ms').replace('_', ' ')} {name}", f"{point:,.1f} ms")
        elif key == "flood_ended":
            table.add_row(key, ", ".join(f"{how}: {times:,}" for how, times in sorted(value.items())))
    console.print(table)
    if json_file == "-":
        print(json.dumps(figures))
    elif json_file:
        Path(json_file).write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    app()
