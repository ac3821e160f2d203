"""`danmaku mod`: what was said is taken back."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import typer

from danmaku.cli_desk import Desk, OneRoom, Reason, command, of_room
from danmaku.model import check_id

_Position = Annotated[
    str, typer.Argument(metavar="EPOCH-SEQ", help="Where it stands in the room, as `user` tells it.")
]
_User = Annotated[str | None, typer.Argument(metavar="[UID]", help="Whose comments [default: everybody's].")]
_STAYS = "; what somebody of a higher role than yours said stays"


@command()
def delete(desk: Desk, room: OneRoom, position: _Position, reason: Reason = None) -> None:
    """Take back one comment, announcement or gift.

    Example: `danmaku mod delete lobby 1767225600000-41 --reason spam`
    """
    path = f"{of_room(room)}/messages/{quote(check_id(position, 'EPOCH-SEQ'))}"
    answer = desk.call("DELETE", path, reason=reason)
    desk.tell(answer, f"{position} was taken back in {room}{'' if answer['changed'] else ' before'}")


@command()
def clear(desk: Desk, room: OneRoom, uid: _User = None, reason: Reason = None) -> None:
    """Take back all that a user said in a room, or all that anybody said.

    What somebody of a higher role than yours said stays.

    Example: `danmaku mod clear lobby bob --reason spam`
    """
    body = {"uid": None if uid is None else check_id(uid, "UID"), "reason": reason}
    answer = desk.call("POST", f"{of_room(room)}/clear", body)
    desk.tell(answer, f"all that {uid or 'anybody'} said was taken back in {room}{_STAYS}")
