"""`danmaku mod`: comments that wait for a moderator."""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import quote

import typer

from danmaku.cli_desk import Desk, OneRoom, Reason, command, of_room
from danmaku.cli_options import Follow
from danmaku.model import check_id

_WAIT_S: Final = 20
_PAGE: Final = 100
_Held = Annotated[str, typer.Argument(metavar="ID", help="Its id, as `held` shows it.")]


@command()
def held(desk: Desk, room: OneRoom, follow: Follow = False) -> None:
    """Show the comments that wait for a moderator.

    With --json and --follow each line holds those that came together.

    Example: `danmaku mod held lobby --follow`
    """
    path = f"{of_room(room)}/held"
    if follow:
        _follow(desk, path)
        return
    found: list[Any] = []
    more: list[Any] | None = None
    while more is None or len(more) == _PAGE:
        more = desk.call("GET", path, limit=_PAGE, after=_last(found))["held"]
        found += more
    lines = [_line(one) for one in found] or f"nothing waits for a moderator in {room}"
    desk.tell({"room": room, "held": found}, lines)


@command()
def approve(desk: Desk, room: OneRoom, held: _Held, reason: Reason = None) -> None:
    """Show a comment that waits.

    Example: `danmaku mod approve lobby 1767225600000-1`
    """
    desk.tell(_decide(desk, room, held, "approve", reason), f"{held} is shown in {room}")


@command()
def deny(desk: Desk, room: OneRoom, held: _Held, reason: Reason = None) -> None:
    """Drop a comment that waits; its author is told.

    Example: `danmaku mod deny lobby 1767225600000-1 --reason "no links please"`
    """
    desk.tell(_decide(desk, room, held, "deny", reason), f"{held} is not shown in {room}")


def _follow(desk: Desk, path: str) -> None:
    after: str | None = None
    while True:
        answer = desk.wait(path, "held", limit=_PAGE, after=after, wait_s=_WAIT_S)
        desk.tell(answer, map(_line, answer["held"]))
        after = _last(answer["held"])


def _last(held: list[Any]) -> str | None:
    return held[-1]["id"] if held else None


def _decide(desk: Desk, room: str, held: str, decision: str, reason: str | None) -> Any:
    path = f"{of_room(room)}/held/{quote(check_id(held, 'ID'))}"
    return desk.call("POST", path, {"decision": decision, "reason": reason})


def _line(one: dict[str, Any]) -> str:
    return f"{one['id']}  {one['uid']}  ({one['why']})  {one['text']}"
