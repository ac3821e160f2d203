"""The commands: each is made of a scenario's fields, where it is put, and where its figures go."""

from __future__ import annotations

import asyncio
import inspect
import json
import signal
from collections.abc import Callable
from dataclasses import MISSING, Field, asdict, fields
from pathlib import Path
from typing import Any, Final, get_type_hints

import typer
from rich.console import Console
from rich.table import Table

from danmaku.cli_command import Command
from loadtest.figures import Result, complete
from loadtest.floor import NoCompiler
from loadtest.machine import machine, versions
from loadtest.options import Output, Target
from loadtest.peers import NoPeer
from loadtest.report import check_plotter, page
from loadtest.scenario import OnService, Scenario
from loadtest.scenarios.chat import Chat
from loadtest.scenarios.compression import Compression
from loadtest.scenarios.fanout import Fanout
from loadtest.scenarios.flood import Flood
from loadtest.scenarios.floor import Floor
from loadtest.scenarios.goim import Goim
from loadtest.scenarios.idle import Idle
from loadtest.scenarios.ingest import Ingest
from loadtest.scenarios.moderate import Moderate
from loadtest.scenarios.overload import Overload
from loadtest.scenarios.peer import Peer
from loadtest.scenarios.rolling import Rolling
from loadtest.scenarios.rooms import Rooms
from loadtest.scenarios.rules import Rules
from loadtest.scenarios.slow import Slow
from loadtest.scenarios.soak import Soak
from loadtest.scenarios.spread import Spread
from loadtest.scenarios.storm import Storm
from loadtest.service import ServiceFailed
from loadtest.verdict import kept_out, wrong
from loadtest.view import view_on

SCENARIOS: Final[tuple[type[Scenario], ...]] = (
    Fanout, Rooms, Goim, Ingest, Chat, Storm, Rolling, Slow, Idle, Soak,
    Flood, Overload, Spread, Compression, Moderate, Rules, Floor, Peer,
)  # fmt: skip
_FAILED: Final = 1
_CANNOT_BE: Final = 2
_INTERRUPTED: Final = 130

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Put load on a danmaku service and measure it. All that is received is checked.",
)


def _command(scenario: type[Scenario]) -> Callable[..., None]:
    """A function with an option for each field of the scenario, of Target and of Output."""
    parts: list[Any] = [scenario, *([Target] if issubclass(scenario, OnService) else []), Output]

    def run(**given: Any) -> None:
        made = {part: part(**{field.name: given[field.name] for field in fields(part)}) for part in parts}
        _measure(made[scenario], made.get(Target, Target()), made[Output])

    hints = [get_type_hints(part, include_extras=True) for part in parts]
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # this is how one says it
        [
            inspect.Parameter(
                one.name, inspect.Parameter.KEYWORD_ONLY, default=_default(one), annotation=hint[one.name]
            )
            for part, hint in zip(parts, hints, strict=True)
            for one in fields(part)
        ]
    )
    run.__doc__ = scenario.__doc__
    return run


def _default(field: Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return inspect.Parameter.empty if field.default is MISSING else field.default


for _scenario in SCENARIOS:
    app.command(_scenario.__name__.lower(), cls=Command)(_command(_scenario))


def _measure(scenario: Any, target: Target, output: Output) -> None:
    console = Console(stderr=True)
    try:
        output.check()
        if output.report:
            check_plotter()
    except ValueError as error:
        raise _ended(console, str(error), _CANNOT_BE) from None
    view = view_on(console, quiet=output.quiet)

    async def run() -> Result:
        with view.watched():
            measured: Result = await scenario.measure(target, view)
            return measured

    for ending in (signal.SIGTERM, signal.SIGHUP):  # as Ctrl-C: what was started is stopped
        signal.signal(ending, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        figures = asyncio.run(run())
    except (OSError, NoCompiler, NoPeer, ServiceFailed) as error:
        where = f"{target.url}: " if target.url else ""
        raise _ended(console, f"{where}{error}", _FAILED) from None
    except KeyboardInterrupt:
        console.print("interrupted: nothing was written", style="red")
        raise typer.Exit(_INTERRUPTED) from None
    tell(type(scenario).__name__.lower(), figures, asdict(scenario), output, console)


def tell(title: str, figures: Result, settings: dict[str, Any], output: Output, console: Console) -> None:
    """Write and show the figures, then what is wrong with them. Raises Exit where anything went wrong."""
    whole = {**complete(figures), "machine": machine(), "versions": versions(), "settings": settings}
    if not output.quiet:
        console.print(_table(title, figures))
    try:
        _write(title, whole, output)
    except OSError as error:
        raise _ended(console, str(error), _FAILED) from None
    for line in kept_out(figures):
        _say(console, line, "bold yellow")
    if found := wrong(figures):
        raise _ended(console, f"something went wrong: {'; '.join(found)}", _FAILED)


def _write(title: str, whole: Result, output: Output) -> None:
    """Raises OSError."""
    if output.json_file == "-":
        print(json.dumps(whole))
    elif output.json_file:
        Path(output.json_file).write_text(json.dumps(whole, indent=2) + "\n")
    if output.report:
        Path(output.report).write_text(page(title, whole))


def _ended(console: Console, text: str, code: int) -> typer.Exit:
    _say(console, text, "red")
    return typer.Exit(code)


def _say(console: Console, text: str, style: str) -> None:
    console.print(text, style=style, highlight=False, markup=False, soft_wrap=True)


def _table(title: str, figures: Result) -> Table:
    table = Table("figure", title=title)
    table.add_column("value", justify="right")
    for key, value in figures.items():
        named = value if isinstance(value, dict) else {"": value}
        for name, point in named.items():
            if isinstance(point, int | float):
                table.add_row(f"{key} {name}".strip(), _shown(key, point))
    return table


def _shown(key: str, value: float) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.1f}" if "_ms" in key else f"{value:,.2f}"
