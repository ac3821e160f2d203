"""`danmaku mod`: mutes, bans and kicks, in one room or in all."""

from __future__ import annotations

from danmaku.cli_desk import (
    Desk,
    Everywhere,
    OneRoom,
    Reason,
    RoomAndWhom,
    Seconds,
    Whom,
    command,
    of_room,
    placed,
    whom,
)
from danmaku.model import check_id


@command()
def mute(
    desk: Desk,
    words: RoomAndWhom,
    everywhere: Everywhere = False,
    seconds: Seconds = None,
    reason: Reason = None,
) -> None:
    """Let a user say nothing any more, in a room or in all rooms.

    Example: `danmaku mod mute lobby bob --seconds 600 --reason spam`
    """
    _impose(desk, "mutes", "muted", words, everywhere, seconds, reason)


@command()
def unmute(desk: Desk, words: RoomAndWhom, everywhere: Everywhere = False) -> None:
    """Let a muted user speak again. A mute of one room and one of all rooms are lifted each by itself.

    Example: `danmaku mod unmute lobby bob`
    """
    _lift(desk, "mutes", "muted", words, everywhere)


@command()
def ban(
    desk: Desk,
    words: RoomAndWhom,
    everywhere: Everywhere = False,
    seconds: Seconds = None,
    reason: Reason = None,
) -> None:
    """Put a user out of a room, or of all rooms, and do not let them in again.

    Example: `danmaku mod ban --everywhere bob --reason "sells accounts"`
    """
    _impose(desk, "bans", "banned", words, everywhere, seconds, reason)


@command()
def unban(desk: Desk, words: RoomAndWhom, everywhere: Everywhere = False) -> None:
    """Let a banned user in again. A ban of one room and one of all rooms are lifted each by itself.

    Example: `danmaku mod unban lobby bob`
    """
    _lift(desk, "bans", "banned", words, everywhere)


@command()
def kick(desk: Desk, room: OneRoom, uid: Whom, reason: Reason = None) -> None:
    """Put a user out of a room; they may come back.

    Example: `danmaku mod kick lobby bob --reason "calm down"`
    """
    answer = desk.call("POST", f"{of_room(room)}/kicks", {"uid": check_id(uid, "UID"), "reason": reason})
    desk.tell(answer, f"{uid} is not in {room} any more")


def _impose(
    desk: Desk,
    kind: str,
    done: str,
    words: list[str],
    everywhere: bool,
    seconds: int | None,
    reason: str | None,
) -> None:
    path, where, uid = placed(words, everywhere, "UID")
    answer = desk.call(
        "POST", f"{path}/{kind}", {"uid": check_id(uid, "UID"), "seconds": seconds, "reason": reason}
    )
    desk.tell(answer, f"{uid} is {done} in {where} {f'for {seconds} s' if seconds else 'until it is lifted'}")


def _lift(desk: Desk, kind: str, done: str, words: list[str], everywhere: bool) -> None:
    path, where, uid = placed(words, everywhere, "UID")
    answer = desk.call("DELETE", f"{path}/{kind}/{whom(uid)}")
    told = f"is not {done} in {where} any more" if answer["changed"] else f"was not {done} in {where}"
    desk.tell(answer, f"{uid} {told}")
