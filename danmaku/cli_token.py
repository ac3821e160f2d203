"""`danmaku token`: who one is, signed."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from danmaku.address import PAGES, is_page, page_address
from danmaku.cli_options import DATA, Config, Data, authority, service_url
from danmaku.cli_output import warn
from danmaku.model import Identity, Role, check_id

app = typer.Typer()
"""Its commands stand beside those of danmaku.cli."""


@app.command()
def token(
    uid: Annotated[str, typer.Option(help="Whom the token is for.")],
    name: Annotated[
        str, typer.Option(help="How others see them in rooms; conversations tell uids [default: the uid].")
    ] = "",
    role: Annotated[str, typer.Option(help="guest, viewer, moderator, streamer or admin.")] = "viewer",
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

    Example: `danmaku token --uid mod --role moderator --room lobby --url "console?room=lobby"`
    """
    check_id(uid, "--uid")
    if refresh and url is None:
        raise typer.BadParameter("only a link carries one: give --url", param_hint="--refresh")
    identity = _identity(uid, name or uid, _role(role), room or [])
    pair = authority(data, config).issue(identity, time.time(), ttl_s=ttl)
    if url is None:
        typer.echo(pair.access)
    else:
        service = _service(url, data, config)
        try:
            page = page_address(service, url)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--url") from None
        if not is_page(service, page):
            warn(f"a service has no page {url!r}; its pages are /, {', '.join(filter(None, PAGES))}")
        typer.echo(f"{page}#token={pair.access}" + (f"&refresh={pair.refresh}" if refresh else ""))


def _service(page: str, data: Path, config: Path | None) -> str:
    """Where a page is that says so not itself."""
    return "" if urlsplit(page).scheme else service_url(os.environ.get("DANMAKU_URL"), data, config)


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
