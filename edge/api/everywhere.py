"""Sanctions in all rooms at once: mutes, bans, and who is under one."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import msgspec

from danmaku.errors import CONFLICT
from danmaku.model import check_id
from danmaku.moderation_rows import SanctionEverywhereRow
from edge.api.routing import Call, RoomsClient, Route, Who, changed
from edge.api.sanctions import AFTER, DEFAULT_USERS, LIMIT, Sanction, SanctionInForce, SanctionsInForce

_BASE: Final = "/v1/admin"


class SanctionedEverywhere(msgspec.Struct):
    """`changed` false: there was nothing to lift."""

    uid: str
    changed: bool


class EverywhereCalls:
    def __init__(self, rooms: RoomsClient) -> None:
        self._rooms = rooms

    def routes(self) -> list[Route]:
        def route(method: str, path: str, verb: str, text: str, body: Any) -> Route:
            handler = partial(self.act, verb)
            answer = SanctionedEverywhere
            return Route(method, _BASE + path, Who.ADMIN, text, handler, body, answer, refuses=(CONFLICT,))

        listing = "Who is muted or banned in all rooms."
        query = (AFTER, LIMIT)
        return [
            route("POST", "/mutes", "mute", "Mute a user in all rooms.", Sanction),
            route("DELETE", "/mutes/{uid}", "unmute", "Lift a mute in all rooms; a room's own stays.", None),
            route("POST", "/bans", "ban", "Ban a user from all rooms and close their sockets.", Sanction),
            route("DELETE", "/bans/{uid}", "unban", "Lift a ban from all rooms; a room's own stays.", None),
            Route("GET", f"{_BASE}/sanctions", Who.ADMIN, listing, self.list, None, SanctionsInForce, query),
        ]

    async def act(self, verb: str, call: Call) -> SanctionedEverywhere:
        """Stored when it is answered; everybody learns of it from the changes log."""
        body: Sanction | None = call.body
        uid = check_id(body.uid if body else call.parts["uid"], "uid")
        seconds, reason = (body.seconds, body.reason) if body else (None, None)
        row = SanctionEverywhereRow(verb, uid, call.caller.uid, call.role, seconds, reason)
        return SanctionedEverywhere(uid, changed(await self._rooms.users(row)))

    async def list(self, call: Call) -> SanctionsInForce:
        users = LIMIT.read(call) or DEFAULT_USERS
        found = await self._rooms.sanctions(users, AFTER.read(call) or "")
        return SanctionsInForce([SanctionInForce.of(one) for one in found.sanctions], found.after)
