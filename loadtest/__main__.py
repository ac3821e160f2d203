"""`python -m loadtest`: load on a deployment, and what it made of it."""

from __future__ import annotations

import asyncio
import json
import platform
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.table import Table

from danmaku import wire
from loadtest import fanout as hot_room
from loadtest.floor import NoCompiler
from loadtest.service import Service, ServiceFailed, own_service

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Put load on a danmaku service and measure it."
)
_PROTOCOLS = {"msgpack": wire.MSGPACK_PROTOCOL, "json": wire.JSON_PROTOCOL}


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
    try:
        figures = asyncio.run(_fanout(plan, url, token, console))
    except (ConnectionError, NoCompiler, ServiceFailed) as error:
        console.print(f"[red]{error}[/red]", highlight=False)
        raise typer.Exit(1) from None
    _tell(figures, json_file, console)


async def _fanout(plan: hot_room.Fanout, url: str, token: str, console: Console) -> dict[str, Any]:
    if url:
        parts = urlsplit(url)
        service = Service(parts.hostname or "127.0.0.1", parts.port or 80, token)
        figures = await hot_room.run(plan, service, console.print)
    else:
        async with own_service({}) as service:
            figures = await hot_room.run(plan, service, console.print)
    return {**figures, "settings": asdict(plan), "machine": _machine(), "versions": _versions()}


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


def _tell(figures: dict[str, Any], json_file: str, console: Console) -> None:
    table = Table(title="fanout")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for key, value in figures.items():
        if isinstance(value, int | float):
            table.add_row(key, f"{value:,.2f}" if isinstance(value, float) else f"{value:,}")
        elif key == "latency_ms":
            for name, point in value.items():
                table.add_row(f"latency {name}", f"{point:,.1f} ms")
    console.print(table)
    if json_file == "-":
        print(json.dumps(figures))
    elif json_file:
        Path(json_file).write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    app()
