"""`danmaku room`: show rooms, open and close them. What may be said there: `danmaku mod settings`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from danmaku.cli_options import Service, command
from danmaku.cli_post import Room, Uid, staff, tell
from danmaku.model import check_id
from danmaku.printable import printable

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Rooms: show, open (a new one is made), close. What may be said there: `danmaku mod settings`.\n\n"
    "Without a token the secret in the data folder signs one, as streamer of the room.\n\n"
    "Example: `danmaku room open lobby --title 'Friday night'`",
)
_Title = Annotated[str | None, typer.Option(help="What it is called [default: as it was].")]
_ForGood = Annotated[
    bool, typer.Option("--for-good", help="Forget its title, settings and history; bans stay.")
]


@command(app, "show")
def show_room(service: Service, room: Room) -> None:
    """Show a room.

    Example: `danmaku room show lobby`
    """
    _tell(service, service.caller().get(f"/v1/rooms/{check_id(room, 'the room')}"))


@command(app, "open")
def open_room(service: Service, room: Room, title: _Title = None, uid: Uid = "streamer") -> None:
    """Make a room, or open one again that was closed.

    Example: `danmaku room open lobby --title "Friday night"`
    """
    body = {"open": True} if title is None else {"open": True, "title": title}
    _tell(service, staff(service, room, uid).call("PUT", f"/v1/rooms/{room}", body))


@command(app, "close")
def close_room(service: Service, room: Room, for_good: _ForGood = False, uid: Uid = "streamer") -> None:
    """Take no more comments in a room.

    Example: `danmaku room close lobby`
    """
    caller, path = staff(service, room, uid), f"/v1/rooms/{room}"
    if for_good:
        tell(service, caller.call("DELETE", path), f"{room} is closed for good")
    else:
        caller.get(path)  # one that is not there would be made, and what was meant stay open
        _tell(service, caller.call("PUT", path, {"open": False}))


def _tell(service: Service, answer: Any) -> None:
    state = "open" if answer["open"] else "closed"
    title = f" – {answer['title']}" if answer.get("title") else ""
    counts = f"{answer.get('viewers', 0)} viewers, {answer.get('likes', 0)} likes"
    tell(service, answer, printable(f"{answer['room']}{title}: {state}, {counts}"))
