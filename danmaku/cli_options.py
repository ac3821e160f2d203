"""What commands have in common: their options, who signs tokens here, where the service is.

A command that calls the service is a function of what these options give, and of its own words.
"""

from __future__ import annotations

import inspect
import os
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Concatenate, Final, ParamSpec, TypeVar, get_type_hints

import typer

from config.keys import DEFAULT
from config.loading import load, load_with_origins
from danmaku.address import Address
from danmaku.auth import Authority, from_settings
from danmaku.caller import Caller
from danmaku.cli_command import Command
from danmaku.data_folder import DataFolder, FolderError
from danmaku.model import Identity

Data = Annotated[
    Path, typer.Option(help="The folder of the service: its store, its secret.", envvar="DANMAKU_DATA")
]
Config = Annotated[
    Path | None, typer.Option(help="A TOML file with settings.", envvar="DANMAKU_CONFIG", metavar="FILE")
]
Port = Annotated[int | None, typer.Option(help="Where to listen [default: 8080].")]
Host = Annotated[str | None, typer.Option(help="The address to listen on [default: 0.0.0.0].")]
Url = Annotated[
    str | None,
    typer.Option(
        help="Where it is, like https://live.example [default: the service on the data folder].",
        envvar="DANMAKU_URL",
    ),
]
Token = Annotated[
    str | None, typer.Option(help="Who you are, as `danmaku token` says it.", envvar="DANMAKU_TOKEN")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")]
Cid = Annotated[
    str | None,
    typer.Option(help="An id of your own: under the same one it is shown once, however often it is said."),
]
WHO: Final = "Who you are, where no token is given."
DATA: Final = Path("data")
_TTL_S: Final = 60

P = ParamSpec("P")
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Service:
    """The service that a command is for, who one is there, and how the answer is told."""

    url: str | None
    token: str | None
    data: Path
    config: Path | None
    as_json: bool

    @property
    def address(self) -> str:
        return service_url(self.url, self.data, self.config)

    def token_of(self, identity: Identity, ttl_s: int = _TTL_S) -> str:
        """The one given, else one that is signed here. Raises as `mint`."""
        return mint(self.data, self.config, identity, ttl_s) if self.token is None else self.token

    def caller(self, identity: Identity | None = None, ttl_s: int = _TTL_S) -> Caller:
        """As the holder of the token, else as `identity`, or as nobody. Raises as `mint`."""
        token = self.token if identity is None else self.token_of(identity, ttl_s)
        return Caller(self.address, token)


def option(name: str, annotation: object, default: object) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


OPTIONS: Final = (
    option("url", Url, None),
    option("token", Token, None),
    option("data", Data, DATA),
    option("config", Config, None),
    option("as_json", Json, False),
)


def command(
    app: typer.Typer,
    name: str | None = None,
    options: Sequence[inspect.Parameter] = OPTIONS,
    given: Callable[..., S] = Service,  # type: ignore[assignment]  # mypy knows no default of a type variable
    *,
    dashed: bool = False,
) -> Callable[[Callable[Concatenate[S, P], None]], Callable[..., None]]:
    """Make a function of what `given` makes of `options`, and of its own words, a command with both.

    dashed: what begins with a dash and is none of its options is a word, like -5. Ctrl-C ends it quietly.
    """

    def made(work: Callable[Concatenate[S, P], None]) -> Callable[..., None]:
        @wraps(work)
        def run(**words: Any) -> None:
            common = given(**{one.name: words.pop(one.name) for one in options})
            try:
                work(common, **words)  # type: ignore[call-arg]  # the words it names in its signature
            except KeyboardInterrupt:
                raise typer.Exit from None

        _, *own = inspect.signature(work).parameters.values()
        hints = get_type_hints(work, include_extras=True)
        shown = [one.replace(annotation=hints[one.name]) for one in own]
        shown = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in (*shown, *options)]
        run.__annotations__ = {one.name: one.annotation for one in shown}
        run.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]  # what typer reads
        return app.command(name, cls=Command, context_settings={"ignore_unknown_options": dashed})(run)

    return made


def mint(data: Path, config: Path | None, identity: Identity, ttl_s: int | None) -> str:
    """An access token. Raises AuthError, FolderError, SettingsError."""
    return authority(data, config, ", or give a token").issue(identity, time.time(), ttl_s=ttl_s).access


def authority(data: Path, config: Path | None, instead: str = "") -> Authority:
    """Who signs tokens here: the settings' keys, or the data folder's secret. Raises as `mint`.

    instead: what else can be done where there is no secret.
    """
    folder = DataFolder(data)
    settings = folder.with_secret(load(config, os.environ, {}))
    if settings.auth.secret_file == str(folder.secret) and not folder.has_secret():
        raise FolderError(
            f"there is no secret in {folder.path}: "
            f"start `danmaku up` there first, or name its folder with --data{instead}"
        )
    return from_settings(settings.auth)


def service_url(url: str | None, data: Path, config: Path | None) -> str:
    """The one given, else the one that runs on the data folder, else where the settings lead.

    Raises FolderError where a folder was named on which none runs, and no setting says where it is.
    """
    if url is not None:
        return url
    folder = DataFolder(data)
    running = folder.url()
    if running is not None:
        return running
    loaded = load_with_origins(config, os.environ, {})
    if data != DATA and all(loaded.origins[key] == DEFAULT for key in ("edge.host", "edge.port")):
        raise FolderError(
            f"no service runs on the data folder {folder.path}: "
            f"start it with `danmaku up --data {shlex.quote(str(data))}`, or say with --url where it is"
        )
    edge = loaded.settings.edge
    return Address(edge.host, edge.port, bool(edge.tls_certificate)).http
