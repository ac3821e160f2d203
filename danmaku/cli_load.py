"""`danmaku load` and `danmaku plan`: the load tool, which a small installation may leave out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated

import msgspec
import typer
from rich.table import Column

from danmaku.cli_options import Json
from danmaku.cli_output import WRONG, ended, show, table, warn

app = typer.Typer()
"""Its commands stand beside those of danmaku.cli."""


@app.command(
    "load",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
)
def put_load(context: typer.Context) -> None:
    """Put load on a service and measure it; the same as `python -m loadtest`.

    Example: `danmaku load fanout --viewers 1000`
    """
    with _load_tool():
        from loadtest.cli import app as load_tool
    load_tool(context.args, prog_name="danmaku load")


@app.command("plan")
def plan_service(
    viewers: Annotated[int, typer.Option(min=1, help="Viewers at the same time.")],
    rooms: Annotated[int, typer.Option(min=1, help="Rooms they are in.")],
    rate: Annotated[float, typer.Option(min=0, help="Comments a second, over all rooms.")],
    zipf: Annotated[float, typer.Option(min=0, max=5, help="How much rooms differ; 0: not at all.")] = 0.0,
    joins: Annotated[float, typer.Option(min=0, help="Viewers that come in a second.")] = 0.0,
    window: Annotated[float, typer.Option(min=1, help="As `rooms.window_ms` is set.")] = 50.0,
    display: Annotated[float, typer.Option(min=0.1, help="As `policy.display_per_s` is set.")] = 40.0,
    busy: Annotated[
        float, typer.Option(min=0.05, max=1, help="Share of its core that a process may use.")
    ] = 0.6,
    floor_us: Annotated[
        float | None, typer.Option(min=0.1, help="What `danmaku load floor` measured on your machine.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Estimate what it takes: edges, cores, memory, NATS, store, bandwidth.

    The model and what it was fitted to are told in docs/SCALING.md.

    Example: `danmaku plan --viewers 1000000 --rooms 5000 --rate 5000`
    """
    with _load_tool():
        from loadtest.capacity import plan
        from loadtest.costs import Costs, Demand, rows
    demand = Demand(
        viewers, rooms, rate, zipf, joins=joins, window_ms=window, display_per_s=display, busy=busy
    )
    costs = Costs() if floor_us is None else Costs().scaled(floor_us)
    try:
        planned = plan(demand, costs)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    except OverflowError:
        raise typer.BadParameter("no plan is made for numbers that large") from None
    if planned.busiest_room_cores > busy:
        warn(
            f"the busiest room alone takes {planned.busiest_room_cores:.0%} of a core of its one owner,"
            f" more than --busy {busy:g}; more rooms processes do not relieve it"
        )
    if as_json:
        asked = {"cores": planned.cores, "memory_bytes": planned.memory_bytes, "demand": asdict(demand)}
        typer.echo(msgspec.json.encode({**asdict(planned), **asked, "costs": asdict(costs)}))
        return
    needed = table("what", Column("needed", justify="right"))
    for name, value in rows(planned):
        needed.add_row(name, value)
    show(needed)


@contextmanager
def _load_tool() -> Iterator[None]:
    """It is imported only where it is asked for, and may have been left out of a small installation."""
    try:
        yield
    except ModuleNotFoundError as missing:
        if not (missing.name or "").startswith("loadtest"):
            raise
        raise ended("the load tool is not part of this installation", WRONG) from None
