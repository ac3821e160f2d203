"""Moderators of a room, whom its streamer appoints; and which role a caller has who may be one."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from danmaku.errors import CONFLICT, INTERNAL, ROOM_NOT_FOUND, Refusal
from danmaku.model import Role
from danmaku.moderation_rows import AppointRow, Moderators, ModeratorsRow
from danmaku.rows import Rank, RankRow
from edge.api.routing import Call, RoomsClient, Route, Who, changed

_PATH: Final = "/v1/admin/rooms/{room}/moderators"


class Appoint(msgspec.Struct, forbid_unknown_fields=True):
    reason: Annotated[str, Meta(max_length=200)] | None = None


class Moderator(msgspec.Struct):
    """`since` in ms since 1970."""

    uid: str
    by: str
    since: int


class ModeratorList(msgspec.Struct):
    """By uid. Whoever is a moderator by their token is not among them."""

    moderators: list[Moderator]


class AppointedAnswer(msgspec.Struct):
    """`changed` false: whoever was to be dismissed had not been appointed."""

    room: str
    uid: str
    changed: bool


class ModeratorCalls:
    def __init__(self, rooms: RoomsClient) -> None:
        self._rooms = rooms

    def routes(self) -> list[Route]:
        appointing, dismissing = "Make a user a moderator of this room.", "Dismiss a moderator of this room."
        listing, one = "Who was appointed moderator of this room.", f"{_PATH}/{{uid}}"
        return [
            Route("GET", _PATH, Who.MODERATOR, listing, self.list, None, ModeratorList),
            Route(
                *("PUT", one, Who.STREAMER, appointing, self.appoint, Appoint, AppointedAnswer),
                refuses=(CONFLICT,),
            ),
            Route("DELETE", one, Who.STREAMER, dismissing, self.dismiss, None, AppointedAnswer),
        ]

    async def list(self, call: Call) -> ModeratorList:
        answer = await self._rooms.ask(ModeratorsRow(call.parts["room"], call.caller.uid, call.role))
        if not isinstance(answer, Moderators):
            raise Refusal(INTERNAL)
        return ModeratorList([Moderator(one.uid, one.by, one.since_ms) for one in answer.moderators])

    async def appoint(self, call: Call) -> AppointedAnswer:
        return await self._set(call, appointed=True, reason=call.body.reason)

    async def dismiss(self, call: Call) -> AppointedAnswer:
        """Also of who was none, or is one by their token, which that does not change."""
        return await self._set(call, appointed=False, reason=None)

    async def _set(self, call: Call, *, appointed: bool, reason: str | None) -> AppointedAnswer:
        room, uid = call.parts["room"], call.parts["uid"]
        row = AppointRow(room, uid, call.caller.uid, call.role, appointed, reason)
        return AppointedAnswer(room, uid, changed(await self._rooms.ask(row)))


async def ranked(rooms: RoomsClient, call: Call) -> Call:
    """With the role that the caller has in the room of the path, should they be appointed there.

    The owner is asked only where that can make a difference. Raises Refusal.
    """
    room, identity = call.parts.get("room"), call.identity
    if room is None or identity is None or call.role != Role.VIEWER:
        return call
    try:
        answer = await rooms.ask(RankRow(room, identity.uid, call.role))
    except Refusal as refusal:
        if refusal.kind is ROOM_NOT_FOUND:
            return call
        raise
    if not isinstance(answer, Rank):
        raise Refusal(INTERNAL)
    return replace(call, granted=answer.role)
