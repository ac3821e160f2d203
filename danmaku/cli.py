"""The command line. Each command is thin: it reads words, calls the part that works, prints.

What only some commands need (servers, the bus, the store, the client, other groups) is imported by those:
whoever asks for a token does not wait for all of it.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import typer
from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.table import Column, Table
from rich.text import Text
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from config.settings import Loaded, Settings, SettingsError, load, load_with_origins, masked, to_toml
from danmaku import cli_post
from danmaku.address import Address, page_address
from danmaku.auth import AuthError
from danmaku.caller import CallFailed
from danmaku.cli_options import DATA, Config, Data, Json, Service, authority, command, service_url
from danmaku.cli_status import tables
from danmaku.data_folder import DataFolder, FolderError
from danmaku.errors import Refusal
from danmaku.model import Identity, Role, check_id
from danmaku.ports import PortInUse
from danmaku.printable import printable
from danmaku.servers import ServerError

if TYPE_CHECKING:
    from danmaku.client import Comment, Event
    from danmaku.doctor import Finding

_FAILED: Final = 1
_WRONG: Final = 2  # what was asked for, or configured, cannot be
_MARKS: Final = {"ok": ("ok", "green"), "warning": ("warning", "yellow"), "broken": ("broken", "red")}
_GROUPS: Final = {
    "chat": "danmaku.cli_chat",
    "mod": "danmaku.cli_verbs",
    "poll": "danmaku.cli_poll",
    "room": "danmaku.cli_room",
}


class _Group(TyperGroup):
    """Says what went wrong in one line; imports a group of commands when it is asked for."""

    def __init__(self, **words: Any) -> None:
        super().__init__(**words)
        for name in _GROUPS:
            self.add_command(TyperCommand(name))  # it is listed, and suggested, until it is asked for

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in _GROUPS:
            return super().get_command(ctx, cmd_name)
        group = get_group(import_module(_GROUPS[cmd_name]).app)
        group.name = cmd_name
        return group

    def invoke(self, ctx: Any) -> Any:
        with _told():
            return super().invoke(ctx)


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A self-hosted live-room danmaku service.\n\nStart with `danmaku up`, then open the page it names.",
)


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"danmaku {metadata.version('danmaku')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def up(
    data: Data = DATA,
    port: Annotated[int | None, typer.Option(help="Where to listen [default: 8080].")] = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on [default: 0.0.0.0].")] = None,
    workers: Annotated[int | None, typer.Option(help="Edge workers; 0: cores - 1.")] = None,
    rooms: Annotated[int, typer.Option(min=1, max=64, help="Rooms processes.")] = 1,
    config: Config = None,
) -> None:
    """Start a service on this machine and keep it running.

    Starts NATS and Valkey (unless `nats.url` and `store.url` name yours), rooms processes and edge
    workers, and starts again what dies. Ctrl-C stops everything; a second one does not wait.

    Example: `danmaku up --port 9000 --data /srv/danmaku`
    """
    from danmaku import up as service
    from danmaku.telemetry import configure_logging

    flags = {"edge.port": port, "edge.host": host, "edge.workers": workers}
    settings = load(config, os.environ, flags)
    configure_logging(settings.log, "up")

    def announce(address: Address) -> None:
        _welcome(address, data)

    raise typer.Exit(asyncio.run(service.run(DataFolder(data), settings, rooms, announce)))


@app.command()
def token(
    uid: Annotated[str, typer.Option(help="Whom the token is for.")],
    name: Annotated[str, typer.Option(help="How others see them [default: the uid].")] = "",
    role: Annotated[str, typer.Option(help="viewer, moderator, streamer or admin.")] = "viewer",
    room: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ROOM[:ROLE]",
            help="Have the role in this room only; a ROLE of its own if given. Repeatable.",
        ),
    ] = None,
    ttl: Annotated[int | None, typer.Option(min=1, help="Seconds it is valid [default: an hour].")] = None,
    url: Annotated[
        str | None,
        typer.Option(metavar="PAGE", help="A link to this page that signs in, as console?room=lobby."),
    ] = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="The page of the link renews the token before it ends.")
    ] = False,
    data: Data = DATA,
    config: Config = None,
) -> None:
    """Make an access token, and print nothing else.

    With --url it prints the address of a page with the token behind the #, which no server is told. Whoever
    opens it is signed in; with --refresh one browser only, for as long as the page is open.

    Example: `TOKEN=$(danmaku token --uid ann --role streamer --room lobby)`

    Example: `danmaku token --uid mod --role moderator --room lobby --url console?room=lobby`
    """
    check_id(uid, "--uid")
    if refresh and url is None:
        raise typer.BadParameter("only a link carries one: give --url", param_hint="--refresh")
    identity = _identity(uid, name or uid, _role(role), room or [])
    pair = authority(data, config).issue(identity, time.time(), ttl_s=ttl)
    if url is None:
        typer.echo(pair.access)
    else:
        try:
            page = page_address(service_url(None, data, config), url)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--url") from None
        typer.echo(f"{page}#token={pair.access}" + (f"&refresh={pair.refresh}" if refresh else ""))


app.registered_commands += cli_post.app.registered_commands


@command(app, "watch")
def watch_room(service: Service, room: Annotated[str, typer.Argument(help="The room to watch.")]) -> None:
    """Watch a room: its comments scroll by until Ctrl-C.

    Comes as a guest unless a token is given; comes back by itself when the connection is lost.

    Example: `danmaku watch lobby --json | jq -r .text`
    """
    from danmaku.watching import json_of, line_of, watch

    check_id(room, "the room")
    console = Console(highlight=False, soft_wrap=True)

    def show(item: Comment | Event) -> None:
        if service.as_json:
            print(json_of(item), flush=True)
        else:
            console.print(line_of(item))

    asyncio.run(watch(service.address, room, service.token, show))


@command(app)
def rooms(service: Service) -> None:
    """List the rooms, the fullest first.

    Example: `danmaku rooms --url https://live.example`
    """
    answer = service.caller().get("/v1/rooms")
    if service.as_json:
        typer.echo(msgspec.json.encode(answer))
        return
    numbers = [Column(name, justify="right") for name in ("viewers", "likes")]
    table = Table("room", "title", *numbers, "open", box=box.SIMPLE_HEAD if sys.stdout.isatty() else None)
    for one in answer["rooms"]:
        state = "yes" if one.get("open", True) else "no"
        title = Text(printable(one.get("title", "")))
        table.add_row(one["room"], title, str(one.get("viewers", 0)), str(one.get("likes", 0)), state)
    _print(table if answer["rooms"] else "no rooms yet")


@command(app)
def status(service: Service) -> None:
    """Show what runs: edges with their viewers, rooms processes with what they own, versions.

    Without --token it is asked as an admin whom the secret here signs.

    Example: `danmaku status --url https://live.example`
    """
    fleet = service.caller(Identity("status", "status", Role.ADMIN)).get("/v1/fleet")
    if service.as_json:
        typer.echo(msgspec.json.encode(fleet))
        return
    for table in tables(fleet):
        _print(table)


@app.command("config")
def show_config(config: Config = None, as_json: Json = False) -> None:
    """Print the settings in force and where each comes from; secrets are masked.

    Precedence: defaults, the file, the environment (`DANMAKU_EDGE_PORT=9000`), flags.

    Example: `danmaku config --config my.toml | grep -v default`
    """
    loaded = load_with_origins(config, os.environ, {})
    typer.echo(_config_json(loaded) if as_json else to_toml(loaded), nl=as_json)


@app.command()
def doctor(data: Data = DATA, config: Config = None, as_json: Json = False) -> None:
    """Look for what is missing or wrong here, and say how to mend it.

    The exit code is 1 when something must be mended.

    Example: `danmaku doctor --config my.toml`
    """
    findings = asyncio.run(_findings(data, config, quiet=as_json))
    if as_json:
        typer.echo(msgspec.json.encode(findings))
    raise typer.Exit(_FAILED if any(finding.state == "broken" for finding in findings) else 0)


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
    window: Annotated[float, typer.Option(min=1, help="rooms.window_ms")] = 50.0,
    display: Annotated[float, typer.Option(min=0.1, help="policy.display_per_s")] = 40.0,
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
    if planned.busiest_room_cores > busy:
        _warn(
            f"the busiest room alone takes {planned.busiest_room_cores:.0%} of a core of its one owner,"
            f" more than --busy {busy:g}; more rooms processes do not relieve it"
        )
    if as_json:
        asked = {"cores": planned.cores, "memory_bytes": planned.memory_bytes, "demand": asdict(demand)}
        typer.echo(msgspec.json.encode({**asdict(planned), **asked, "costs": asdict(costs)}))
        return
    table = Table(
        "what", Column("needed", justify="right"), box=box.SIMPLE_HEAD if sys.stdout.isatty() else None
    )
    for name, value in rows(planned):
        table.add_row(name, value)
    _print(table)


def main() -> None:
    """What the `danmaku` command runs."""
    app(prog_name="danmaku")


async def _findings(data: Path, config: Path | None, *, quiet: bool) -> list[Finding]:
    from danmaku import doctor as checks

    findings: list[Finding] = []

    def found(finding: Finding) -> None:
        findings.append(finding)
        if not quiet:
            _print(_finding_line(finding))

    try:
        settings = load(config, os.environ, {})
        found(checks.Finding("settings", "ok", "valid"))
    except SettingsError as error:
        settings = Settings()
        found(checks.Finding("settings", "broken", str(error), "correct it; danmaku config shows the rest"))
    async for finding in checks.examine(settings, DataFolder(data)):
        found(finding)
    return findings


def _finding_line(finding: Finding) -> Text:
    word, style = _MARKS[finding.state]
    line = Text(f"{word:8}", style=style).append(f"{finding.name:15} ", style="bold").append(finding.text, "")
    return line.append(f"\n{'':24}→ {finding.mend}", style=style) if finding.mend else line


def _config_json(loaded: Loaded) -> str:
    shown = msgspec.to_builtins(masked(loaded.settings))
    return msgspec.json.encode({"settings": shown, "origins": loaded.origins}).decode()


def _identity(uid: str, name: str, role: Role, rooms: list[str]) -> Identity:
    if not rooms:
        return Identity(uid, name, role)
    if role is Role.ADMIN:
        raise typer.BadParameter("an admin is one everywhere: leave --room out")
    roles: dict[str, Role] = {}
    for word in rooms:
        room, _, own = word.partition(":")
        roles[check_id(room, "--room")] = _role(own) if own else role
    return Identity(uid, name, min(role, Role.VIEWER), roles)


def _role(label: str) -> Role:
    try:
        return Role.parse(label)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _welcome(address: Address, data: Path) -> None:
    program = "danmaku" if shutil.which("danmaku") else os.path.relpath(Path(sys.executable, "../danmaku"))
    there = "" if data == DATA else f" --data {shlex.quote(str(data))}"
    rows = [
        ("Page", address.page),
        ("API docs", f"{address.page}docs"),
        ("WebSocket", address.socket),
        ("A token", f"{program} token --role streamer --uid me{there}"),
        ("Say something", f'{program} post lobby "hello"{there}'),
        ("Watch", f"{program} watch lobby{there}"),
    ]
    if not sys.stdout.isatty():
        for name, value in rows:
            print(f"{name}: {value}", flush=True)
        return
    table = Table.grid(padding=(0, 2))
    for name, value in rows:
        table.add_row(Text(name, style="dim"), Text(value, style="cyan"))
    _print(Panel(table, title="danmaku is ready", subtitle="Ctrl-C stops it", expand=False, padding=(1, 2)))


def _print(what: Any) -> None:
    Console(highlight=False, soft_wrap=isinstance(what, str | Text)).print(what)


@contextmanager
def _told() -> Iterator[None]:
    """What may go wrong becomes one line and an exit code."""
    try:
        yield
    except (SettingsError, AuthError) as error:
        raise _ended(str(error), _WRONG) from None
    except Refusal as refusal:
        raise _ended(f"{refusal.name}: {refusal.message}", _FAILED) from None
    except (FolderError, PortInUse, ServerError, CallFailed) as error:
        text = error.strerror if isinstance(error, PortInUse) and error.strerror else str(error)
        raise _ended(text, _FAILED) from None


@contextmanager
def _load_tool() -> Iterator[None]:
    """It is imported only where it is asked for, and may have been left out of a small installation."""
    try:
        yield
    except ModuleNotFoundError as missing:
        if not (missing.name or "").startswith("loadtest"):
            raise
        raise _ended("the load tool is not part of this installation", _WRONG) from None


def _warn(text: str) -> None:
    _complain("warning: ", "yellow", text)


def _ended(text: str, code: int) -> typer.Exit:
    _complain("error: ", "red", text)
    return typer.Exit(code)


def _complain(word: str, style: str, text: str) -> None:
    Console(stderr=True, highlight=False, soft_wrap=True).print(Text(word, style=style).append(text, ""))


if __name__ == "__main__":
    main()
