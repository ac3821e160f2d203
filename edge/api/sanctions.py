"""Sanctions in one room: mutes, bans, kicks."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from danmaku.model import check_id
from danmaku.moderation_rows import SanctionRow
from edge.api.routing import Call, Id, RoomsClient, Route, Who

_MOST_S: Final = 366 * 24 * 3600
_BASE: Final = "/v1/admin/rooms/{room}"


class Sanction(msgspec.Struct, forbid_unknown_fields=True):
    """Without `seconds` it lasts until it is lifted."""

    uid: Id
    seconds: Annotated[int, Meta(ge=1, le=_MOST_S)] | None = None
    reason: Annotated[str, Meta(max_length=200)] | None = None


class Kick(msgspec.Struct, forbid_unknown_fields=True):
    uid: Id
    reason: Annotated[str, Meta(max_length=200)] | None = None


class Sanctioned(msgspec.Struct):
    room: str
    uid: str


class SanctionCalls:
    def __init__(self, rooms: RoomsClient) -> None:
        self._rooms = rooms

    def routes(self) -> list[Route]:
        def route(method: str, path: str, verb: str, text: str, body: Any) -> Route:
            return Route(method, _BASE + path, Who.MODERATOR, text, partial(self.act, verb), body, Sanctioned)

        return [
            route("POST", "/mutes", "mute", "Mute a user in this room.", Sanction),
            route("DELETE", "/mutes/{uid}", "unmute", "Let a muted user speak again.", None),
            route("POST", "/bans", "ban", "Ban a user from this room.", Sanction),
            route("DELETE", "/bans/{uid}", "unban", "Let a banned user in again.", None),
            route("POST", "/kicks", "kick", "Put a user out of this room; they may come back.", Kick),
        ]

    async def act(self, verb: str, call: Call) -> Sanctioned:
        body: Sanction | Kick | None = call.body
        uid = check_id(body.uid if body else call.parts["uid"], "uid")
        row = SanctionRow(
            call.parts["room"],
            verb,
            uid,
            call.caller.uid,
            call.role,
            body.seconds if isinstance(body, Sanction) else None,
            body.reason if body else None,
        )
        await self._rooms.ask(row)
        return Sanctioned(call.parts["room"], uid)
