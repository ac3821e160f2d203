"""`danmaku mod`: mutes, bans and kicks, in one room or in all."""

from __future__ import annotations

from danmaku.cli_desk import (
    Desk,
    Everywhere,
    OneRoom,
    Reason,
    Room,
    Seconds,
    Whom,
    base,
    command,
    of_room,
    whom,
)
from danmaku.model import check_id


@command()
def mute(
    desk: Desk,
    uid: Whom,
    room: Room = None,
    everywhere: Everywhere = False,
    seconds: Seconds = None,
    reason: Reason = None,
) -> None:
    """Let a user say nothing any more, in a room or in all rooms.

    Example: `danmaku mod mute bob --room lobby --seconds 600 --reason spam`
    """
    _impose(desk, "mutes", "muted", uid, room, everywhere, seconds, reason)


@command()
def unmute(desk: Desk, uid: Whom, room: Room = None, everywhere: Everywhere = False) -> None:
    """Let a muted user speak again. A mute of one room and one of all rooms are lifted each by itself.

    Example: `danmaku mod unmute bob --room lobby`
    """
    _lift(desk, "mutes", "not muted", uid, room, everywhere)


@command()
def ban(
    desk: Desk,
    uid: Whom,
    room: Room = None,
    everywhere: Everywhere = False,
    seconds: Seconds = None,
    reason: Reason = None,
) -> None:
    """Put a user out of a room, or of all rooms, and do not let them in again.

    Example: `danmaku mod ban bob --everywhere --reason "sells accounts"`
    """
    _impose(desk, "bans", "banned", uid, room, everywhere, seconds, reason)


@command()
def unban(desk: Desk, uid: Whom, room: Room = None, everywhere: Everywhere = False) -> None:
    """Let a banned user in again. A ban of one room and one of all rooms are lifted each by itself.

    Example: `danmaku mod unban bob --room lobby`
    """
    _lift(desk, "bans", "not banned", uid, room, everywhere)


@command()
def kick(desk: Desk, uid: Whom, room: OneRoom, reason: Reason = None) -> None:
    """Put a user out of a room; they may come back.

    Example: `danmaku mod kick bob --room lobby --reason "calm down"`
    """
    answer = desk.call("POST", f"{of_room(room)}/kicks", {"uid": check_id(uid, "UID"), "reason": reason})
    desk.tell(answer, f"{uid} was put out of {room}")


def _impose(
    desk: Desk,
    kind: str,
    done: str,
    uid: str,
    room: str | None,
    everywhere: bool,
    seconds: int | None,
    reason: str | None,
) -> None:
    path, where = base(room, everywhere)
    answer = desk.call(
        "POST", f"{path}/{kind}", {"uid": check_id(uid, "UID"), "seconds": seconds, "reason": reason}
    )
    desk.tell(answer, f"{uid} is {done} in {where} {f'for {seconds} s' if seconds else 'until it is lifted'}")


def _lift(desk: Desk, kind: str, done: str, uid: str, room: str | None, everywhere: bool) -> None:
    path, where = base(room, everywhere)
    desk.tell(desk.call("DELETE", f"{path}/{kind}/{whom(uid)}"), f"{uid} is {done} in {where}")
