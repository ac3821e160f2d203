"""`danmaku drain`: send the viewers of an edge elsewhere, before it is stopped or mended."""

from __future__ import annotations

import time
from typing import Annotated, Any, Final
from urllib.parse import quote

import msgspec
import typer

from danmaku.caller import Caller, CallFailed
from danmaku.cli_options import Service, command
from danmaku.cli_output import FAILED, ended, show
from danmaku.model import Identity, Role
from danmaku.printable import printable

app = typer.Typer()
"""Its command stands beside those of danmaku.cli."""

_LOOK_S: Final = 1.0
_PATIENCE_S: Final = 30.0  # beyond the time in which viewers are told to go
_UNTOLD_S: Final = 60.0  # where --seconds does not say


@command(app)
def drain(
    service: Service,
    edge: Annotated[
        str,
        typer.Argument(metavar="EDGE", help="Its name in `danmaku status`, its beginning, or an address."),
    ],
    undo: Annotated[bool, typer.Option("--undo", help="Let it take newcomers again.")] = False,
    seconds: Annotated[
        float | None,
        typer.Option(
            min=0, max=3600, help="Within which viewers are told to go [default: as when it stops]."
        ),
    ] = None,
    last: Annotated[
        bool,
        typer.Option("--last", help="Also where no other edge takes newcomers."),
    ] = False,
    wait: Annotated[bool, typer.Option(help="Wait until nobody is left.")] = True,
) -> None:
    """Have an edge take no newcomers and send its viewers elsewhere; it runs on until it is stopped.

    An address stands for all workers behind it. Ask by way of another edge, where there is one.

    Example: `danmaku drain edge-1-5f0c --url https://live.example`
    """
    caller = service.caller(Identity("drain", "drain", Role.ADMIN))
    fleet = caller.get("/v1/fleet")
    names = _named(fleet, edge)
    if not names:
        raise ended(f"no edge is called {printable(edge)}: danmaku status lists them", FAILED)
    if len(names) > 1 and not edge.startswith(("ws://", "wss://")):
        raise ended(f"several edges begin so: {', '.join(names)}", FAILED)
    alone = not (undo or _others(fleet, names))
    if alone and not last:
        raise ended("no other edge takes newcomers; --last drains it all the same", FAILED)
    told = [_order(caller, name, undo, seconds, last) for name in names]
    left: list[Any] = []
    if wait and not undo:
        patience_s = (_UNTOLD_S if seconds is None else seconds) + _PATIENCE_S
        left = _left(caller, set(names), patience_s, service.as_json)
        told = left or told
    if service.as_json:
        typer.echo(msgspec.json.encode(told))
    else:
        _tell(told, alone)
    _check(told, waited=bool(left))


def _tell(told: list[Any], alone: bool) -> None:
    for one in told:
        state = "takes no newcomers" if one["draining"] else "takes newcomers"
        show(printable(f"{one['edge']} {state}, {one['connections']} viewers are there"))
    if alone:
        show("nobody can come in now, nor --undo it: started anew it takes newcomers")


def _check(told: list[Any], *, waited: bool) -> None:
    """Whoever stops it next has to know whether it is empty."""
    if waited and any(one["connections"] for one in told):
        raise ended("viewers are left; they go when it stops, at the latest", FAILED)


def _others(fleet: Any, names: list[str]) -> list[Any]:
    """Who takes those who are sent away."""
    return [one for one in fleet["edges"] if one["edge"] not in names and not one["draining"]]


def _named(fleet: Any, edge: str) -> list[str]:
    exact = [one["edge"] for one in fleet["edges"] if one["edge"] == edge or edge in one["addresses"]]
    return exact or [one["edge"] for one in fleet["edges"] if edge and one["edge"].startswith(edge)]


def _order(caller: Caller, name: str, undo: bool, seconds: float | None, last: bool) -> Any:
    path = f"/v1/admin/edges/{quote(name)}/drain"
    if undo:
        return caller.call("DELETE", path)
    return caller.post(path, {"last": last} | ({} if seconds is None else {"seconds": seconds}))


def _left(caller: Caller, names: set[str], patience_s: float, quiet: bool) -> list[Any]:
    """The edges when nobody is left there, or when patience ends; nothing where nobody can be asked."""
    deadline = time.monotonic() + patience_s
    before = None
    while True:
        try:
            fleet = caller.get("/v1/fleet")
        except CallFailed as failed:
            if failed.status is None:
                return []  # it drains, and was the only one to ask
            raise
        edges = [one for one in fleet["edges"] if one["edge"] in names]
        left = sum(one["connections"] for one in edges)
        if not quiet and left and left != before:
            show(f"{left} viewers are left")
        before = left
        if not left or time.monotonic() > deadline:
            return edges
        time.sleep(_LOOK_S)
