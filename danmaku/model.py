"""Values that every floor shares. No I/O, no clock."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Final, Literal, NamedTuple

import msgspec

from danmaku.errors import BAD_ID, Refusal

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)

MAX_NUMBER: Final = 2**53 - 1  # what a JavaScript client can hold, and every encoder can write
Number = Annotated[int, msgspec.Meta(ge=0, le=MAX_NUMBER)]
Mode = Literal["scroll", "top", "bottom"]
Links = Literal["show", "hold", "refuse"]
"""What becomes of a comment with a link in it."""
WHITE = 0xFFFFFF
NORMAL_SIZE = 25
EVERY_ROOM: Final = "*"  # no id


def check_id(value: str, what: str = "id") -> str:
    """Return `value` if it is a well-formed id, else raise `bad_id` naming `what`."""
    if _ID.fullmatch(value) is None:
        raise Refusal(BAD_ID, f"{what} must match [A-Za-z0-9_-]{{1,64}}")
    return value


class Role(IntEnum):
    """What somebody may do, in rising order. Clients see the lower-case name."""

    GUEST = 0
    VIEWER = 1
    MODERATOR = 2
    STREAMER = 3
    ADMIN = 4

    @property
    def label(self) -> str:
        return self.name.lower()

    @property
    def is_staff(self) -> bool:
        return self > 1  # looking up Role.MODERATOR costs as much as the rest of judging a role

    @classmethod
    def parse(cls, label: str) -> Role:
        """The role called `label`; raises ValueError naming what is allowed."""
        try:
            return cls[label.upper()]
        except KeyError:
            allowed = ", ".join(role.label for role in cls)
            raise ValueError(f"role must be one of {allowed}, not {label!r}") from None


class Position(NamedTuple):
    """Where a reader stands in a room. `seq` is contiguous from 1 within an epoch; (0, 0) is before all."""

    epoch: int
    seq: int


START = Position(0, 0)


class Identity(msgspec.Struct, frozen=True):
    """Who is speaking, as a verified token or the guest rule says.

    member_of, follows: rooms, or EVERY_ROOM. since_s: when the account was made, in seconds since 1970; 0
    where nobody says so.
    """

    uid: str
    name: str
    role: Role
    rooms: dict[str, Role] | None = None
    issued_ms: int = 0
    member_of: frozenset[str] = frozenset()
    follows: frozenset[str] = frozenset()
    since_s: int = 0

    def is_member(self, room: str) -> bool:
        return bool(self.member_of) and not self.member_of.isdisjoint((room, EVERY_ROOM))

    def is_follower(self, room: str) -> bool:
        """Members of a room follow it."""
        follows = bool(self.follows) and not self.follows.isdisjoint((room, EVERY_ROOM))
        return follows or self.is_member(room)

    def role_in(self, room: str) -> Role:
        """The role in `room`: the general one, or the room's own where that is higher."""
        if not self.rooms:
            return self.role
        return max(self.role, self.rooms.get(room, Role.GUEST))


_YEAR_S: Final = 366 * 24 * 3600
SETTING_BOUNDS: Final = {
    "slow_s": (0, _YEAR_S),
    "max_length": (1, 10_000),
    "display_per_s": (1, 1_000_000_000),
    "repeat_s": (0, _YEAR_S),
    "min_account_s": (0, _YEAR_S),
    "unique_s": (0, _YEAR_S),
    "delay_s": (0, 10),
}
"""What may be asked of a room; what is kept is read whatever it is."""


def _told(setting: str) -> msgspec.Meta:
    """Its bounds, for who reads of it: to check them is for whoever judges what is asked."""
    least, most = SETTING_BOUNDS[setting]
    return msgspec.Meta(extra_json_schema={"minimum": least, "maximum": most})


class RoomSettings(msgspec.Struct, frozen=True, omit_defaults=True):
    """Of one room, or of all that have none of their own. What is left out is as the service has it."""

    # What a later version stored besides is ignored.

    slow_s: Annotated[int, _told("slow_s")] | None = None
    max_length: Annotated[int, _told("max_length")] | None = None
    guests_may_send: bool | None = None
    staff_only: bool | None = None
    display_per_s: Annotated[int, _told("display_per_s")] | None = None
    repeat_s: Annotated[int, _told("repeat_s")] | None = None
    members_only: bool | None = None
    followers_only: bool | None = None
    min_account_s: Annotated[int, _told("min_account_s")] | None = None
    emoji_only: bool | None = None
    unique_s: Annotated[int, _told("unique_s")] | None = None
    links: Links | None = None
    delay_s: Annotated[int, _told("delay_s")] | None = None
    review: bool | None = None


class RoomInfo(msgspec.Struct, frozen=True):
    """A room as people see it. raid_until_ms: until when it is in raid mode, 0 where it is not."""

    room: str
    title: str = ""
    open: bool = True
    settings: RoomSettings = RoomSettings()
    viewers: int = 0
    likes: int = 0
    created_ms: int = 0
    raid_until_ms: int = 0

    def is_raid_over(self, now_ms: int) -> bool:
        return 0 < self.raid_until_ms <= now_ms


def closed_for_good(room: str) -> RoomInfo:
    """What is left of a room that was deleted. Its `created_ms` is 0: it is not there any more."""
    return RoomInfo(room, open=False)


class Act(msgspec.Struct, frozen=True, omit_defaults=True):
    """An act of moderation as the audit record keeps it. What a later version stored besides is ignored.

    id: of the asking, so that it is written down once however often that is repeated.
    at_ms: the wall clock of whoever carried it out.
    by: empty where nobody did it, but its time was over. role: of `by`, where it was done.
    room: empty where it holds for all rooms.
    uid: whom it concerns; what: what else it is about (a position, what was asked for), both maybe empty.
    """

    id: str
    at_ms: int
    by: str
    role: Role
    verb: str
    room: str = ""
    uid: str = ""
    what: str = ""
    reason: str = ""
    seconds: int | None = None


class Effect(NamedTuple):
    """What becomes of what is kept about a room. An item that tells of it is appended in one step with it.

    create: `info` is kept where nothing is yet. save: it replaces all but the likes. delete: only `info` is
    left, which is `closed_for_good`, and the newest entry of the log. acts: are written down with it.
    """

    verb: Literal["create", "save", "delete"]
    info: RoomInfo
    acts: tuple[Act, ...] = ()


class Appointed(msgspec.Struct, frozen=True):
    """A moderator of a room: by whom, and when by the wall clock of whoever owned it."""

    uid: str
    by: str
    since_ms: int


SanctionKind = Literal["mute", "ban"]


@dataclass(frozen=True, slots=True)
class Sanction:
    """`until_ms` None means until lifted. Times are the wall clock of whoever imposed it."""

    kind: SanctionKind
    uid: str
    by: str
    since_ms: int
    until_ms: int | None = None
    reason: str = ""

    def active(self, now_ms: int) -> bool:
        return self.until_ms is None or now_ms < self.until_ms
