"""`danmaku up`: a whole service on this machine."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from config.loading import Loaded, load_with_origins
from danmaku.address import Address
from danmaku.cli_options import DATA, Config, Data, Host, Port
from danmaku.cli_output import show
from danmaku.data_folder import DataFolder

app = typer.Typer()
"""Its commands stand beside those of danmaku.cli."""


@app.command()
def up(
    data: Data = DATA,
    port: Port = None,
    host: Host = None,
    workers: Annotated[
        int | None, typer.Option(help="Edge workers [default: one for each core but one].")
    ] = None,
    rooms: Annotated[int, typer.Option(min=1, max=64, help="Rooms processes.")] = 1,
    config: Config = None,
) -> None:
    """Start a service on this machine and keep it running.

    Starts NATS and Valkey (unless `nats.url` and `store.url` name yours), rooms processes and edge
    workers, and starts again what dies. Ctrl-C stops everything; a second one does not wait.

    Example: `danmaku up --port 9000 --data /srv/danmaku`
    """
    from danmaku import up as service

    flags = {"edge.port": port, "edge.host": host, "edge.workers": workers}

    def read() -> Loaded:
        return load_with_origins(config, os.environ, flags)

    def announce(address: Address) -> None:
        _welcome(address, data)

    raise typer.Exit(asyncio.run(service.run(DataFolder(data), read, rooms, announce)))


def _welcome(address: Address, data: Path) -> None:
    program = "danmaku" if shutil.which("danmaku") else os.path.relpath(Path(sys.executable, "../danmaku"))
    there = "" if data == DATA else f" --data {shlex.quote(str(data))}"
    streamer = "--uid me --role streamer --room lobby"  # of this room; no more than its studio needs
    rows = [
        ("Page", address.page),
        ("API docs", f"{address.page}docs"),
        ("WebSocket", address.socket),
        ("Say something", f'{program} post lobby "hello"{there}'),
        ("Watch", f"{program} watch lobby{there}"),
        ("Into the studio", f'{program} token {streamer} --url "studio?room=lobby"{there}'),
        ("Into the console", f'{program} token --uid me --role admin --url "console?room=lobby"{there}'),
    ]
    if not sys.stdout.isatty():
        for name, value in rows:
            print(f"{name}: {value}", flush=True)
        return
    table = Table.grid(padding=(0, 2))
    for name, value in rows:
        table.add_row(Text(name, style="dim"), Text(value, style="cyan"))
    show(Panel(table, title="danmaku is ready", subtitle="Ctrl-C stops it", expand=False, padding=(1, 2)))
