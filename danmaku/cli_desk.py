"""`danmaku mod`: what its commands have in common. A command is a function of a Desk and its own words."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Concatenate, Final, ParamSpec, get_type_hints
from urllib.parse import quote, urlencode

import msgspec
import typer

from danmaku.caller import Caller, CallFailed
from danmaku.cli_options import DATA, Config, Data, Json, Token, Url, mint, service_url
from danmaku.model import Identity, Role, check_id
from danmaku.printable import printable

P = ParamSpec("P")
_RETRY_S: Final = 2.0
_TTL_S: Final = 3600  # of the token that is signed here: the record may be followed for a while

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Moderation: mute, ban, kick, see who is sanctioned and what was done.\n\n"
    "Give a token, or run it on the machine of the service, where its secret signs one of an admin.\n\n"
    "Example: `danmaku mod mute bob --room lobby --seconds 600 --reason spam`",
)

Whom = Annotated[str, typer.Argument(metavar="UID", help="Whom it concerns.")]
Room = Annotated[str | None, typer.Option(help="The room, unless it is for all rooms.")]
OneRoom = Annotated[str, typer.Option(help="The room.")]
Everywhere = Annotated[bool, typer.Option("--everywhere", help="For all rooms; admins may.")]
Seconds = Annotated[int | None, typer.Option(min=1, help="So long [default: until it is lifted].")]
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


def command(
    name: str | None = None,
) -> Callable[[Callable[Concatenate[Desk, P], None]], Callable[..., None]]:
    """Make a function of a Desk and its own words a command, which has the options of all others, too."""

    def made(work: Callable[Concatenate[Desk, P], None]) -> Callable[..., None]:
        @wraps(work)
        def run(
            *,
            uid_of_mine: str,
            url: str | None,
            token: str | None,
            data: Path,
            config: Path | None,
            as_json: bool,
            **words: Any,
        ) -> None:
            if token is None:
                admin = Identity(check_id(uid_of_mine, "--as"), uid_of_mine, Role.ADMIN)
                token = mint(data, config, admin, _TTL_S)
            desk = Desk(Caller(service_url(url, data, config), token), as_json)
            try:
                work(desk, **words)  # type: ignore[call-arg]  # the words it names in its signature
            except KeyboardInterrupt:
                raise typer.Exit from None

        _, *own = inspect.signature(work).parameters.values()
        hints = get_type_hints(work, include_extras=True)
        shown = [parameter.replace(annotation=hints[parameter.name]) for parameter in own]
        shown = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in (*shown, *_COMMON)]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in shown}
        run.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]  # what typer reads
        return app.command(name)(run)

    return made


def _option(name: str, annotation: object, default: object) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


_Mine = Annotated[str, typer.Option("--as", metavar="UID", help="Who you are, where no token is given.")]
_COMMON: Final = (
    _option("uid_of_mine", _Mine, "admin"),
    _option("url", Url, None),
    _option("token", Token, None),
    _option("data", Data, DATA),
    _option("config", Config, None),
    _option("as_json", Json, False),
)


def of_room(room: str) -> str:
    """Where a room is moderated. Raises Refusal (bad_id)."""
    return f"/v1/admin/rooms/{check_id(room, '--room')}"


def base(room: str | None, everywhere: bool) -> tuple[str, str]:
    """Where it is done, and how that is called. Raises Refusal (bad_id), BadParameter.

    A room that was forgotten must not become all rooms.
    """
    if everywhere and room is not None:
        raise typer.BadParameter("give --room or --everywhere, not both")
    if everywhere:
        return "/v1/admin", "all rooms"
    if room is None:
        raise typer.BadParameter("say where: --room ROOM, or --everywhere for all rooms")
    return of_room(room), room


def whom(uid: str) -> str:
    """As a part of a path. Raises Refusal (bad_id)."""
    return quote(check_id(uid, "UID"))
