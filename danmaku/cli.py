"""The command line. Each command is thin: it reads words, calls the part that works, prints.

What only some commands need (servers, the bus, the store, the client, other groups) is imported by those:
whoever asks for a token does not wait for all of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module, metadata
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import typer
from rich.console import Console
from rich.table import Column
from rich.text import Text
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from config.keys import SettingsError
from danmaku import cli_doctor, cli_drain, cli_load, cli_post, cli_token, cli_up
from danmaku.auth import AuthError
from danmaku.caller import CallFailed, told
from danmaku.cli_options import Service, command
from danmaku.cli_output import FAILED, WRONG, ended, show, table
from danmaku.cli_status import tables
from danmaku.data_folder import FolderError
from danmaku.errors import Refusal
from danmaku.model import Identity, Role, check_id
from danmaku.ports import PortInUse
from danmaku.printable import printable
from danmaku.servers import ServerError

if TYPE_CHECKING:
    from danmaku.client import Comment, Event

_GROUPS: Final = {
    "chat": "danmaku.cli_chat",
    "config": "danmaku.cli_config",
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


for _part in (cli_up, cli_token, cli_post):
    app.registered_commands += _part.app.registered_commands


@command(app, "watch")
def watch_room(
    service: Service, room: Annotated[str, typer.Argument(metavar="ROOM", help="The room.")]
) -> None:
    """Watch a room: its comments scroll by until Ctrl-C.

    Comes as a guest unless a token is given; comes back by itself when the connection is lost.

    Example: `danmaku watch lobby --json | jq -r .text`
    """
    from danmaku.watching import json_of, line_of, watch

    check_id(room, "the room")
    console = Console(highlight=False, soft_wrap=True)

    def tell(item: Comment | Event) -> None:
        if service.as_json:
            print(json_of(item), flush=True)
        else:
            console.print(line_of(item))

    asyncio.run(watch(service.address, room, service.token, tell))


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
    found = table("room", "title", *numbers, "open")
    for one in answer["rooms"]:
        state = "yes" if one.get("open", True) else "no"
        title = Text(printable(one.get("title", "")))
        found.add_row(one["room"], title, str(one.get("viewers", 0)), str(one.get("likes", 0)), state)
    show(found if answer["rooms"] else "no rooms yet")


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
    for part in tables(fleet):
        show(part)


for _part in (cli_drain, cli_doctor, cli_load):
    app.registered_commands += _part.app.registered_commands


def main() -> None:
    """What the `danmaku` command runs."""
    app(prog_name="danmaku")


@contextmanager
def _told() -> Iterator[None]:
    """What may go wrong becomes one line and an exit code."""
    try:
        yield
    except (SettingsError, AuthError) as error:
        raise ended(str(error), WRONG) from None
    except Refusal as refusal:
        raise ended(told(refusal.name, refusal.message), FAILED) from None
    except (FolderError, PortInUse, ServerError, CallFailed) as error:
        text = error.strerror if isinstance(error, PortInUse) and error.strerror else str(error)
        raise ended(text, FAILED) from None


if __name__ == "__main__":
    main()
