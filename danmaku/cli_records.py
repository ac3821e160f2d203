"""`danmaku mod`: who is sanctioned, what is known of a user, what was done; and who are moderators."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import starmap
from typing import Annotated, Any, Final

import msgspec
import typer

from config.keys import as_toml
from danmaku.cli_desk import Desk, Everywhere, OneRoom, Reason, Room, Whom, base, command, of_room, whom
from danmaku.cli_options import Follow

_WAIT_S: Final = 25
_PAGE: Final = 200
_Limit = Annotated[int, typer.Option(min=1, max=_PAGE, help="So many of the newest.")]


@command()
def sanctions(desk: Desk, room: Room = None, everywhere: Everywhere = False) -> None:
    """List who is muted or banned, in a room or in all rooms.

    Example: `danmaku mod sanctions lobby --json | jq -r '.sanctions[].uid'`
    """
    path, where = base(room, everywhere)
    found: list[Any] = []
    after: str | None = None
    while True:
        page = desk.call("GET", f"{path}/sanctions", after=after, limit=_PAGE)
        found += page["sanctions"]
        after = page["after"]
        if after is None:
            break
    desk.tell({"sanctions": found}, map(_sanction, found) if found else f"nobody is sanctioned in {where}")


@command()
def user(desk: Desk, room: OneRoom, uid: Whom) -> None:
    """Show what is known of a user in a room: rank, sanctions, what was done, what they said lately.

    Example: `danmaku mod user lobby bob`
    """
    card = desk.call("GET", f"{of_room(room)}/users/{whom(uid)}")
    desk.tell(card, _card(card))


@command()
def audit(
    desk: Desk, room: Room = None, everywhere: Everywhere = False, limit: _Limit = 20, follow: Follow = False
) -> None:
    """Show what moderators did in a room, or admins for all rooms, the newest last.

    With --json and --follow each entry is a line of its own.

    Example: `danmaku mod audit lobby --follow`
    """
    path, _ = base(room, everywhere)
    page = desk.call("GET", f"{path}/audit", limit=limit)
    if not follow:
        nothing = f"nothing was done yet {'for all rooms' if everywhere else f'in {room}'}"
        desk.tell(page, [_entry(entry) for entry in page["entries"]] or nothing)
        return
    for entry in _followed(desk, f"{path}/audit", page):
        print(msgspec.json.encode(entry).decode() if desk.as_json else _entry(entry), flush=True)


@command()
def moderators(desk: Desk, room: OneRoom) -> None:
    """List who was appointed moderator of a room.

    Example: `danmaku mod moderators lobby`
    """
    answer = desk.call("GET", f"{of_room(room)}/moderators")
    lines = [f"{one['uid']}  since {_time(one['since'])}, by {one['by']}" for one in answer["moderators"]]
    desk.tell(answer, lines or f"nobody was appointed in {room}")


@command()
def appoint(desk: Desk, room: OneRoom, uid: Whom, reason: Reason = None) -> None:
    """Make a user a moderator of a room; its streamer may, or an admin.

    Example: `danmaku mod appoint lobby bob`
    """
    answer = desk.call("PUT", f"{of_room(room)}/moderators/{whom(uid)}", {"reason": reason})
    desk.tell(answer, f"{uid} is a moderator of {room}")


@command()
def dismiss(desk: Desk, room: OneRoom, uid: Whom) -> None:
    """Dismiss a moderator of a room. Whoever is one by their token stays one.

    Example: `danmaku mod dismiss lobby bob`
    """
    answer = desk.call("DELETE", f"{of_room(room)}/moderators/{whom(uid)}")
    verb = "is not" if answer["changed"] else "was not"
    desk.tell(answer, f"{uid} {verb} an appointed moderator of {room}")


def _followed(desk: Desk, path: str, page: Any) -> Iterator[Any]:
    """The entries of `page`, and all that come after."""
    while True:
        yield from page["entries"]
        page = desk.wait(path, "entries", after=page["after"], limit=_PAGE, wait_s=_WAIT_S)


def _sanction(one: Any) -> str:
    until = "until it is lifted" if one["until"] is None else f"until {_time(one['until'])}"
    verb = "muted" if one["kind"] == "mute" else "banned"
    return f"{one['uid']}  {verb} {until}, by {one['by']}{_why(one)}"


def _entry(entry: Any) -> str:
    words = [_time(entry["at"]), entry["verb"], entry["uid"], _what(entry["verb"], entry["what"])]
    if entry["room"]:
        words.append(f"in {entry['room']}")
    if entry["seconds"] is not None:
        words.append(f"for {entry['seconds']} s")
    words.append(f"by {entry['by']} ({entry['role']})" if entry["by"] else "by itself")
    return "  ".join(word for word in words if word) + _why(entry)


def _what(verb: str, what: str) -> str:
    """Of an adjustment in words, but where it was cut."""
    if verb not in ("adjust", "roll_back"):
        return what
    try:
        changes = msgspec.json.decode(what, type=dict[str, dict[str, Any] | int])
    except msgspec.DecodeError:
        return what
    version = changes.pop("version", None)
    told = [", ".join(starmap(_change, changes.items()))] if changes else []
    return "; ".join(told if version is None else [_version(version), *told])


def _version(version: Any) -> str:
    return f"to version {version}" if version else "to version 0: nothing is adjusted any more"


def _change(key: str, one: dict[str, Any] | int) -> str:
    if isinstance(one, int):
        return f"and {one} more"
    if "back_to" in one:
        return f"{key}: back to {as_toml(one['back_to'])}"
    return f"{key}: {as_toml(one.get('was'))} → {as_toml(one.get('now'))}"


def _card(card: Any) -> Iterator[str]:
    rank = f"moderator, appointed by {card['appointed_by']}" if card["role"] else "not appointed"
    yield f"{card['uid']} in {card['room']}: {rank}; {_many(card['acts'])} in the audit record"
    for one in card["sanctions"]:
        yield f"  here: {_sanction(one)}"
    for one in card["everywhere"]:
        yield f"  in all rooms: {_sanction(one)}"
    for said in card["comments"]:
        yield f"  {_time(said['at'])}  {said['epoch']}-{said['seq']}  {said['name']}: {said['text']}"


def _many(acts: int) -> str:
    return "1 entry" if acts == 1 else f"{acts} entries"


def _why(one: Any) -> str:
    return f": {one['reason']}" if one["reason"] else ""


def _time(ms: int) -> str:
    """By the clock and in the zone of this machine."""
    return datetime.fromtimestamp(ms / 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S")
