"""`danmaku poll`: ask the viewers of a room."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
import typer

from danmaku.cli_options import Cid, Service, command
from danmaku.cli_post import Room, Uid, fresh, staff, tell
from danmaku.model import check_id
from danmaku.printable import printable

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Polls: open one, see how it stands, close it. One is open in a room at a time.\n\n"
    "Without a token the secret in the data folder signs one, as streamer of the room.\n\n"
    "Example: `danmaku poll open lobby 'Next song?' Hello Goodbye --seconds 60`",
)
_Poll = Annotated[
    str | None, typer.Argument(metavar="[POLL]", help="Its id, as `open` tells it [default: the open one].")
]


@command(app, "open")
def open_poll(
    service: Service,
    room: Room,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="What is asked.")],
    options: Annotated[list[str], typer.Argument(metavar="OPTION...", help="Two to ten of them.")],
    seconds: Annotated[
        int | None, typer.Option(min=1, help="Close it by itself after so many seconds [default: never].")
    ] = None,
    uid: Uid = "streamer",
    cid: Cid = None,
) -> None:
    """Open a poll, and print its id.

    Example: `danmaku poll open lobby "Next song?" Hello Goodbye --seconds 60`
    """
    body: dict[str, Any] = {"question": question, "options": options, "cid": fresh(cid)}
    if seconds is not None:
        body["seconds"] = seconds
    answer = staff(service, room, uid).post(f"/v1/rooms/{room}/polls", body)
    tell(service, answer, answer["poll"])


@command(app, "show")
def show_poll(service: Service, room: Room, poll: _Poll = None) -> None:
    """Show how a poll stands, or what came of it.

    Example: `danmaku poll show lobby`
    """
    _tell(service, service.caller().get(_path(room, poll)))


@command(app, "close")
def close_poll(service: Service, room: Room, poll: _Poll = None, uid: Uid = "streamer") -> None:
    """Close a poll, and show what came of it.

    Example: `danmaku poll close lobby`
    """
    caller = staff(service, room, uid)
    named = caller.get(_path(room, None))["poll"] if poll is None else poll
    _tell(service, caller.call("DELETE", _path(room, named)))


def _path(room: str, poll: str | None) -> str:
    """Without an id, of the open one."""
    polls = f"/v1/rooms/{check_id(room, 'the room')}/polls"
    return polls if poll is None else f"{polls}/{quote(check_id(poll, 'POLL'))}"


def _tell(service: Service, state: Any) -> None:
    if service.as_json:
        typer.echo(msgspec.json.encode(state))
        return
    for line in _lines(state):
        typer.echo(printable(line))


def _lines(state: Any) -> Iterator[str]:
    yield f"{state['question']}{'' if state['open'] else '  (closed)'}"
    for option, votes in zip(state["options"], state["counts"], strict=True):
        yield f"{votes:>9,} {'vote ' if votes == 1 else 'votes'}  {option}"
