"""What moderators and admins ask: rows for the owner of a room, or for any rooms process."""

from __future__ import annotations

import msgspec

from danmaku.model import Appointed, Position, Role, RoomSettings
from danmaku.rows import ActRow, AnswerBase, RowBase


class SanctionRow(ActRow, tag="sanction"):
    """Mute, unmute, ban, unban or kick one user in one room. Answered by Done, or Refused."""

    room: str
    verb: str
    uid: str
    by: str
    role: Role
    seconds: int | None = None
    reason: str | None = None


class RecallRow(ActRow, tag="recall"):
    """Take back what stands at `position`, or all that `uid` said in the room, or, with neither, all of it.

    Answered by Done, or Refused (no_such_message, forbidden). What was recalled before is answered by Done.
    """

    room: str
    by: str
    role: Role
    position: Position | None = None
    uid: str | None = None
    reason: str | None = None


class AppointRow(ActRow, tag="appoint"):
    """Make `uid` a moderator of the room, or not one any more. Answered by Done, or Refused."""

    room: str
    uid: str
    by: str
    role: Role
    appointed: bool = True
    reason: str | None = None


class ModeratorsRow(RowBase, tag="moderators"):
    """Who was appointed in the room? Answered by Moderators, or Refused."""

    room: str
    uid: str
    role: Role


class Moderators(AnswerBase, tag="moderators"):
    """By uid."""

    moderators: list[Appointed]


class RoomSettingsRow(ActRow, tag="room_settings"):
    """Set the keys of a room's settings that `changes` has, and let go of those in `reset`; the rest stays.

    With neither it is only read. Answered by RoomRules, or Refused.
    """

    room: str
    by: str
    role: Role
    changes: RoomSettings
    reset: list[str]


class RaidRow(ActRow, tag="raid"):
    """Begin raid mode for so many seconds from now, or, with 0, end it. Answered by RoomRules, or Refused."""

    room: str
    by: str
    role: Role
    seconds: int
    reason: str | None = None


class HeldRow(RowBase, tag="held"):
    """Which comments wait for a moderator, behind the id `after`? Answered by HeldPage, or Refused."""

    room: str
    uid: str
    role: Role
    after: str = ""
    limit: int = 100


class DecideRow(ActRow, tag="decide"):
    """Show a held comment, or drop it.

    Answered by Shown when it is approved, Done when it is denied, or Refused (no_such_message, conflict where
    somebody else decided, or where its author may not speak now).
    """

    room: str
    held: str
    approve: bool
    by: str
    role: Role
    reason: str | None = None


class SignsRow(RowBase, tag="signs"):
    """Which signs of abuse were there after that one? Answered by Signs, or Refused."""

    room: str
    uid: str
    role: Role
    after: int = 0


class Sign(msgspec.Struct, array_like=True):
    """at: when, and which: no two of a room have the same. since: when it began. Both in ms since 1970."""

    at: int
    kind: str
    count: int
    sample: str
    since: int


class Signs(AnswerBase, tag="signs"):
    """Oldest first."""

    signs: list[Sign]


class SanctionEverywhereRow(ActRow, tag="everywhere"):
    """Mute, unmute, ban or unban one user in all rooms. Answered by Done, or Refused."""

    verb: str
    uid: str
    by: str
    role: Role
    seconds: int | None = None
    reason: str | None = None


class ConfigureRow(ActRow, tag="configure"):
    """What rooms go by from now on that have no setting of their own. Answered by Done, or Refused."""

    settings: RoomSettings
    by: str
    role: Role
