"""`danmaku mod`: what may be said in a room, raid mode, and signs of abuse."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
import typer

from danmaku.cli_desk import Desk, OneRoom, Reason, command, of_room
from danmaku.cli_options import Follow

_WAIT_S: Final = 20
_Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[KEY=VALUE]...",
        help="What to set; KEY= alone lets it be as in all rooms [default: show every key].",
        show_default=False,
    ),
]
_Raid = Annotated[int, typer.Option(min=1, help="For so many seconds.")]
_Off = Annotated[bool, typer.Option("--off", help="End it now.")]


@command("settings")
def room_settings(desk: Desk, room: OneRoom, words: _Words = None) -> None:
    """Show what a room goes by, or change it.

    Example: `danmaku mod settings lobby slow_s=10 links=hold emoji_only=false unique_s=`
    """
    path = f"{of_room(room)}/settings"
    changes = dict(_setting(word) for word in words or [])
    # `desk.call` leaves out what is null, which says something here
    answer = desk.caller.call("PATCH", path, changes) if changes else desk.call("GET", path)
    desk.tell(answer, _in_force(answer))


@command()
def raid(desk: Desk, room: OneRoom, seconds: _Raid = 600, off: _Off = False, reason: Reason = None) -> None:
    """Let only followers write, slowly, and hold what has a link; by itself it is over after a while.

    Example: `danmaku mod raid lobby --seconds 300`
    """
    path = f"{of_room(room)}/raid"
    if off:
        desk.tell(desk.call("DELETE", path), f"{room} is not in raid mode")
    else:
        answer = desk.call("POST", path, {"seconds": seconds, "reason": reason})
        desk.tell(answer, f"{room} is in raid mode for {seconds} s")


@command()
def signs(desk: Desk, room: OneRoom, follow: Follow = False) -> None:
    """Show signs of abuse: the same text of many, floods of joins, many new accounts.

    Example: `danmaku mod signs lobby --follow`
    """
    path, after = f"{of_room(room)}/signs", 0
    while True:
        if follow:
            answer = desk.wait(path, "signs", after=after, wait_s=_WAIT_S)
        else:
            answer = desk.call("GET", path, after=after)
        found = answer["signs"]
        desk.tell(answer, [_sign(one) for one in found] or f"there are no signs of abuse in {room}")
        if not follow:
            return
        after = max(one["at"] for one in found)


def _sign(sign: Any) -> str:
    return f"{_time(sign['at'])} {sign['kind']} {sign['count']} {sign['sample']}".rstrip()


def _in_force(answer: Any) -> Iterator[str]:
    in_raid = answer["raid_until_ms"] > 0
    if in_raid:
        yield f"raid mode until {_time(answer['raid_until_ms'])}: some of these are stricter than what is set"
    for key, value in answer["in_force"].items():
        shared = key not in answer["settings"] and not in_raid
        yield f"{key} = {msgspec.json.encode(value).decode()}{'  (as for all rooms)' if shared else ''}"


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000).astimezone().strftime("%H:%M:%S")


def _setting(word: str) -> tuple[str, Any]:
    """KEY=VALUE: a number, true or false, or a word; nothing is null. Raises BadParameter."""
    key, equals, value = word.partition("=")
    if not key or not equals:
        raise typer.BadParameter(f"{word}: write KEY=VALUE")
    if not value:
        return key, None
    try:
        return key, msgspec.json.decode(value)
    except msgspec.DecodeError:
        return key, value
