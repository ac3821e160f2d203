"""Who has which rank in a room: appointed here, or known by their tokens as they come. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from danmaku.errors import CONFLICT, FORBIDDEN, Refusal
from danmaku.model import Appointed, Role
from rooms.generations import Generations
from rooms.moderation import Sanctions
from rooms.moment import Moment

MAX_MODERATORS: Final = 200
_REMEMBERED_S: Final = 3600.0
_MAX_SEEN: Final = 1000
_VIEWER: Final = Role.VIEWER  # a look-up of a member costs more than what is done with it


class Staff:
    """Of one room. Nobody acts on who is of their own rank or above, but admins, who may on anybody.

    Appointed moderators are all known; whoever has their role from a token is known for an hour or so after
    they spoke, came in or did something here.
    """

    __slots__ = ("_appointed", "_seen")

    def __init__(self, appointed: Iterable[Appointed] = ()) -> None:
        self._appointed = {one.uid: one for one in appointed}
        self._seen: Generations[str, Role] = Generations(_REMEMBERED_S, _MAX_SEEN)

    def role_of(self, uid: str, role: Role, sanctions: Sanctions, now: Moment) -> Role:
        """The higher one of what a token says and of what the room does.

        Guests are never appointed, and an appointment gives no rank to whom is banned, here or everywhere.
        """
        if role > _VIEWER:
            self._seen.put(uid, role, now.s)
        elif role == _VIEWER and uid in self._appointed and not sanctions.bar(uid, now.ms):
            return Role.MODERATOR
        return role

    def check_outranks(self, role: Role, uid: str) -> None:
        """May who has `role` act on this user? Raises `forbidden`."""
        known = self._seen.get(uid) or Role.VIEWER
        rank = max(known, Role.MODERATOR) if uid in self._appointed else known
        if rank.is_staff and role <= rank and role < Role.ADMIN:
            raise Refusal(FORBIDDEN, f"{uid} is {rank.label} here: that takes a higher rank")

    def check_room_for(self, uid: str) -> None:
        """Raises `conflict` when one more cannot be appointed."""
        if uid not in self._appointed and len(self._appointed) >= MAX_MODERATORS:
            detail = f"a room has at most {MAX_MODERATORS} moderators; dismiss some first"
            raise Refusal(CONFLICT, detail)

    def appoint(self, one: Appointed) -> None:
        self._appointed[one.uid] = one

    def dismiss(self, uid: str, now_s: float) -> None:
        """Nothing happens where they were not appointed."""
        if self._appointed.pop(uid, None) is not None:
            self._seen.put(uid, Role.VIEWER, now_s)

    @property
    def appointed(self) -> list[Appointed]:
        """By uid."""
        return [self._appointed[uid] for uid in sorted(self._appointed)]
