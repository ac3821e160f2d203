"""`python -m loadtest`: load on a deployment, and what it made of it."""

from __future__ import annotations

import asyncio
import json
import platform
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from enum import StrEnum
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
from loadtest.floor import NoCompiler
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


@app.command()
def fanout(
    url: Annotated[
        str, typer.Option(help="A running service, http://host:port. Empty: start one here.")
    ] = "",
    token: Annotated[str, typer.Option(help="Token of the senders, with --url.")] = "",
    room: Annotated[str, typer.Option()] = "hot",
    viewers: Annotated[int, typer.Option(min=1)] = 5000,
    rate: Annotated[float, typer.Option(min=0.1, help="Comments per second.")] = 20.0,
    payload: Annotated[int, typer.Option(min=92, help="Bytes of a frame with one comment.")] = 100,
    seconds: Annotated[float, typer.Option(min=1, help="Length of one window.")] = 10.0,
    rounds: Annotated[int, typer.Option(min=1, help="Windows; figures are medians.")] = 5,
    idle: Annotated[float, typer.Option(min=0, help="Seconds to watch what quiet viewers cost.")] = 20.0,
    processes: Annotated[int, typer.Option(min=1, help="Client processes.")] = 1,
    subprotocol: Annotated[str, typer.Option(help="msgpack or json")] = "msgpack",
    floor: Annotated[bool, typer.Option(help="Run a bare send(2) loop beside it.")] = True,
    json_file: Annotated[str, typer.Option("--json", help="Write the figures here; - is stdout.")] = "",
) -> None:
    """One hot room: --viewers see --rate comments a second.

    Example: python -m loadtest fanout --viewers 5000 --rate 20 --json fanout.json
    """
    if subprotocol not in _PROTOCOLS:
        raise typer.BadParameter(f"subprotocol must be msgpack or json, not {subprotocol!r}")
    plan = hot_room.Fanout(
        room, viewers, rate, payload, seconds, rounds, idle,
        swarms=processes, protocol=_PROTOCOLS[subprotocol], with_floor=floor,
    )  # fmt: skip
    console = Console(stderr=True)
    figures = _measure(lambda service: hot_room.run(plan, service, console.print), url, token, {}, console)
    _tell("fanout", {**figures, "settings": asdict(plan)}, json_file, console)


@app.command()
def flood(
    kind: Annotated[Kind, typer.Option(help="Too many frames from one socket, or too many sockets.")],
    url: Annotated[
        str, typer.Option(help="A running service, http://host:port. Empty: start one here.")
    ] = "",
    token: Annotated[str, typer.Option(help="Token of the senders, with --url.")] = "",
    viewers: Annotated[int, typer.Option(min=1)] = 500,
    rate: Annotated[float, typer.Option(min=0.1, help="Comments per second.")] = 20.0,
    frames: Annotated[int, typer.Option(min=100, help="Frames per second of one connection.")] = 10_000,
    sockets: Annotated[int, typer.Option(min=1, help="Connections from one address.")] = 2000,
    seconds: Annotated[float, typer.Option(min=1, help="Length of one window.")] = 10.0,
    rounds: Annotated[int, typer.Option(min=1, help="Pairs of windows; figures are medians.")] = 5,
    json_file: Annotated[str, typer.Option("--json", help="Write the figures here; - is stdout.")] = "",
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
    console = Console(stderr=True)

    def run(service: Service) -> Awaitable[dict[str, Any]]:
        harm = flooder.Plan(service.host, service.port, kind.value, frames, sockets)
        return flooded_room.run(plan, harm, service, console.print)

    figures = _measure(run, url, token, limits, console)
    _tell("flood", {**figures, "settings": {**asdict(plan), "kind": kind.value}}, json_file, console)


def _measure(
    run: Callable[[Service], Awaitable[dict[str, Any]]],
    url: str,
    token: str,
    settings: dict[str, str],
    console: Console,
) -> dict[str, Any]:
    """The figures, and where they were taken. `settings` are for a service of our own."""
    if url and not token:
        raise typer.BadParameter(
            "--url needs --token, of a viewer who may say --rate comments a second there"
        )
    try:
        figures = asyncio.run(_with_service(run, url, token, settings))
    except (ConnectionError, NoCompiler, ServiceFailed) as error:
        console.print(f"[red]{error}[/red]", highlight=False)
        raise typer.Exit(1) from None
    return {**figures, "machine": _machine(), "versions": _versions()}


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
