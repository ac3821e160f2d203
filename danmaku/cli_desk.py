"""`danmaku mod`: what its commands have in common. A command is a function of a Desk and its own words."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode

import msgspec
import typer

from danmaku import cli_options as options
from danmaku.caller import Caller, CallFailed
from danmaku.cli_options import OPTIONS, WHO, Service, option
from danmaku.model import Identity, Role, check_id
from danmaku.printable import printable

_RETRY_S: Final = 2.0
_TTL_S: Final = 3600  # of the token that is signed here: the record may be followed for a while

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Moderation: mute, ban, kick, see who is sanctioned and what was done.\n\n"
    "Give a token, or run it on the machine of the service, where its secret signs one of an admin.\n\n"
    "Example: `danmaku mod mute lobby bob --seconds 600 --reason spam`",
)

OneRoom = Annotated[str, typer.Argument(metavar="ROOM", help="The room.")]
Room = Annotated[str | None, typer.Argument(metavar="[ROOM]", help="The room, unless it is for all rooms.")]
Whom = Annotated[str, typer.Argument(metavar="UID", help="Whom it concerns.")]
RoomAndWhom = Annotated[
    list[str],
    typer.Argument(metavar="[ROOM] UID", help="The room, unless it is for all rooms, and whom it concerns."),
]
Everywhere = Annotated[bool, typer.Option("--everywhere", help="For all rooms; admins may.")]
Seconds = Annotated[
    int | None, typer.Option(min=1, help="For so many seconds [default: until it is lifted].")
]
Reason = Annotated[str | None, typer.Option(help="Why, for the record; the user may be told.")]


@dataclass(frozen=True, slots=True)
class Desk:
    """The service as a moderator calls it, and how the answer is told. Calls raise CallFailed."""

    caller: Caller
    as_json: bool

    def call(self, method: str, path: str, body: dict[str, Any] | None = None, **query: object) -> Any:
        """What is None in `body` and `query` is left out; `wait_s` is how long the service may wait."""
        asked = {name: word for name, word in query.items() if word is not None}
        given = None if body is None else {name: word for name, word in body.items() if word is not None}
        timeout_s = self.caller.timeout_s + float(str(asked.get("wait_s", 0)))
        return self.caller.call(method, f"{path}?{urlencode(asked)}" if asked else path, given, timeout_s)

    def wait(self, path: str, key: str, **query: Any) -> Any:
        """The first answer with something under `key`, for who follows it. Asks again, also while the
        service is away; never at once, should it let nobody wait."""
        told = False
        while True:
            begin = time.monotonic()
            try:
                answer = self.call("GET", path, **query)
                if answer[key]:
                    return answer
                told = False
            except CallFailed as failed:
                if failed.status is not None and failed.status < 500:
                    raise
                if not told:
                    typer.echo(f"{failed}; going on when it is back", err=True)
                told = True
            time.sleep(max(0.0, begin + _RETRY_S - time.monotonic()))

    def tell(self, answer: Any, lines: str | Iterable[str]) -> None:
        """The answer as JSON, or else as lines for people; what users wrote cannot steer the terminal."""
        if self.as_json:
            typer.echo(msgspec.json.encode(answer))
            return
        for line in [lines] if isinstance(lines, str) else lines:
            typer.echo(printable(line))


def desk_of(uid_of_mine: str, **given: Any) -> Desk:
    service = Service(**given)
    admin = Identity(check_id(uid_of_mine, "--as"), uid_of_mine, Role.ADMIN)
    return Desk(service.caller(admin, _TTL_S), service.as_json)


_Mine = Annotated[str, typer.Option("--as", metavar="UID", help=WHO)]
DESK: Final = (option("uid_of_mine", _Mine, "admin"), *OPTIONS)
command: Final = partial(options.command, app, options=DESK, given=desk_of)
"""Make a function of a Desk and its own words a command of `danmaku mod`."""


def of_room(room: str) -> str:
    """Where a room is moderated. Raises Refusal (bad_id)."""
    return f"/v1/admin/rooms/{check_id(room, 'ROOM')}"


def base(room: str | None, everywhere: bool) -> tuple[str, str]:
    """Where it is done, and how that is called. Raises Refusal (bad_id), BadParameter.

    A room that was forgotten must not become all rooms.
    """
    if everywhere and room is not None:
        raise typer.BadParameter("give a ROOM or --everywhere, not both")
    if everywhere:
        return "/v1/admin", "all rooms"
    if room is None:
        raise typer.BadParameter("say where: ROOM, or --everywhere for all rooms")
    return of_room(room), room


def placed(words: list[str], everywhere: bool, what: str) -> tuple[str, str, str]:
    """Of `ROOM what`, or `what` alone with --everywhere: where it is done, how that is called, and what.

    Raises Refusal (bad_id), BadParameter.
    """
    *room, word = words
    if len(room) > 1:
        raise typer.BadParameter(f"write ROOM {what}, or --everywhere {what}")
    return *base(room[0] if room else None, everywhere), word


def whom(uid: str) -> str:
    """As a part of a path. Raises Refusal (bad_id)."""
    return quote(check_id(uid, "UID"))
