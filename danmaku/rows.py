"""What is asked of whom decides, and what is answered: rows of owners and of users.

Rows of a request and answers of its reply stand in the same order, so that no row needs an id.
"""

from __future__ import annotations

import msgspec

from danmaku.errors import REFUSALS, Refusal
from danmaku.held import Held
from danmaku.model import Mode, Role, RoomInfo, RoomSettings


class RowBase(msgspec.Struct, array_like=True, tag=True, gc=False):
    """One thing asked of an owner."""


class ActRow(RowBase, kw_only=True):
    """An act of moderation. `act`: its id, by which it is known when it is asked again; the edge gives it."""

    act: str = ""


# Rows of an OwnerRequest: what an edge gathered for the owner of the rooms they name.


class SendRow(RowBase, tag="send"):
    """A comment to be judged. Answered by Shown, or Refused.

    member, follower: of the room, by the token. since_s: when the account was made, in seconds since 1970; 0
    where nobody says so.
    """

    room: str
    uid: str
    name: str
    role: Role
    text: str
    cid: str
    mode: Mode | None = None
    color: int | None = None
    size: int | None = None
    member: bool = False
    follower: bool = False
    since_s: int = 0


class EventRow(RowBase, tag="event"):
    """An announcement or gift by staff; `item` is the encoded item. Answered by Shown, or Refused.

    pin_s: for so long an announcement is pinned; a gift is for what was paid for it. ask: only whether it
    would be taken; answered by Done, or Refused.
    """

    room: str
    uid: str
    role: Role
    cid: str
    item: bytes
    pin_s: int = 0
    ask: bool = False


class JoinRow(RowBase, tag="join"):
    """May this user come in? Answered by Admitted, or Refused (banned, room_closed, room_not_found …).

    board: the number of the room's board that is known to whoever asks.
    """

    room: str
    uid: str
    role: Role
    board: int = 0


class LikeRow(RowBase, tag="like"):
    """Likes of one user. Answered by Done, or Refused. With an `id` they count once, asked again or not."""

    room: str
    uid: str
    role: Role
    n: int
    id: int = 0


class PutRoomRow(ActRow, tag="put"):
    """Create or change a room; None leaves as it is. Answered by Room, or Refused."""

    room: str
    uid: str
    role: Role
    title: str | None = None
    open: bool | None = None
    settings: RoomSettings | None = None


class RankRow(RowBase, tag="rank"):
    """Which role has this user in the room, appointed ones known? Answered by Rank, or Refused."""

    room: str
    uid: str
    role: Role


class GetRoomRow(RowBase, tag="get"):
    """Read a room. Answered by Room, or Refused (room_not_found)."""

    room: str


class DeleteRoomRow(ActRow, tag="delete"):
    """Close a room for good. Answered by Done, or Refused."""

    room: str
    uid: str
    role: Role


# Rows of a UsersRequest, for any rooms process.


class HelloRow(RowBase, tag="hello"):
    """May a token of `uid` issued at `issued_ms` still be used? Answered by Done, or Refused.

    With `device` and `n` also: is this connection, known at `edge` as `session`, the newest of its device?
    Refused with `conflict` where it is not. May be said again at any time.
    """

    uid: str
    issued_ms: int
    device: str | None = None
    n: int | None = None
    edge: str = ""
    session: str = ""
    role: Role = Role.VIEWER


class RefreshRow(RowBase, tag="refresh"):
    """Spend refresh token number `n` of a family. Answered by Refreshed, or Refused.

    expires_ms: neither this token nor the one that is minted for it is valid after it; what is known of
    the family is kept until then at least.
    """

    uid: str
    family: str
    n: int
    issued_ms: int
    expires_ms: int = 0


class RevokeRow(ActRow, tag="revoke"):
    """Whatever `uid` holds that was issued until now is void. Answered by Done."""

    uid: str
    by: str = ""
    role: Role = Role.ADMIN


# Answers.


class AnswerBase(msgspec.Struct, array_like=True, tag=True, gc=False):
    """What became of one row."""


class Shown(AnswerBase, tag="shown"):
    """Stored and on its way to every viewer at this position."""

    epoch: int
    seq: int
    at: int


class Shed(AnswerBase, tag="shed"):
    """Accepted, but left out because the room shows all it can."""


class Shadowed(AnswerBase, tag="shadowed"):
    """Shown to its sender, and to nobody else."""

    at: int


class Delayed(AnswerBase, tag="delayed"):
    """Accepted, and to be shown in `ms`, unless moderators act or its owner dies before that."""

    ms: int


class Admitted(AnswerBase, tag="admitted"):
    """A joiner may come in. `head` is the room's head as (epoch, seq).

    board: the number of what the room keeps in view, and its title; 0 where that is nothing. `view` are
    its bytes, where they are not known. counts: how the open poll stands.
    """

    epoch: int
    seq: int
    viewers: int
    likes: int
    settings: RoomSettings
    board: int = 0
    view: bytes = b""
    counts: list[int] | None = None


class Room(AnswerBase, tag="room"):
    info: RoomInfo


class Rank(AnswerBase, tag="rank"):
    role: Role


class RoomRules(AnswerBase, tag="rules"):
    """settings: the room's own. in_force: every key. raid_until_ms: 0 where it is not in raid mode."""

    settings: RoomSettings
    in_force: RoomSettings
    raid_until_ms: int


class HeldPage(AnswerBase, tag="held"):
    """Comments that wait for a moderator, oldest first."""

    held: list[Held]


class Done(AnswerBase, tag="done"):
    """changed: False where there was nothing to do, as to lift; then nothing is written down either."""

    changed: bool = True


class Refused(AnswerBase, tag="refused"):
    """A refusal by its name in the table of danmaku.errors."""

    name: str
    detail: str | None = None
    retry_ms: int | None = None

    @classmethod
    def of(cls, refusal: Refusal) -> Refused:
        detail = refusal.message if refusal.message != refusal.kind.text else None
        return cls(refusal.name, detail, refusal.retry_ms)

    def refusal(self) -> Refusal:
        """As an exception; a name this version does not know becomes `internal`."""
        kind = REFUSALS.get(self.name, REFUSALS["internal"])
        return Refusal(kind, self.detail, retry_ms=self.retry_ms)


class Elsewhere(AnswerBase, tag="elsewhere"):
    """This process does not own the room's partition (now); nothing was done. Ask its owner."""


class Open(AnswerBase, tag="open"):
    """The row was begun, and it is not known yet what comes of it. Ask again."""


class Refreshed(AnswerBase, tag="refreshed"):
    """The pair to mint: number `n`, issued at `issued_ms`; equal for a repeat within the grace time."""

    n: int
    issued_ms: int
