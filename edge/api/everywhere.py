"""Sanctions in all rooms at once: mutes, bans, and who is under one."""

from __future__ import annotations

from functools import partial
from typing import Any, Final, Literal

import msgspec

from danmaku.model import check_id
from danmaku.moderation_rows import SanctionEverywhereRow
from edge.api.routing import Call, IdQuery, NumberQuery, RoomsClient, Route, Who
from edge.api.sanctions import Sanction

_BASE: Final = "/v1/admin"
_DEFAULT_USERS: Final = 100
_AFTER: Final = IdQuery("after", "the uid after which to begin: what the page before said")
_LIMIT: Final = NumberQuery("limit", f"how many users; {_DEFAULT_USERS} if not given", 1, 200)


class SanctionedEverywhere(msgspec.Struct):
    uid: str


class SanctionInForce(msgspec.Struct):
    """Times are in ms since 1970; without `until` it lasts until it is lifted."""

    kind: Literal["mute", "ban"]
    uid: str
    by: str
    since: int
    until: int | None
    reason: str


class SanctionsInForce(msgspec.Struct):
    """By uid. `after` is what to ask with for the next page, null where there is none."""

    sanctions: list[SanctionInForce]
    after: str | None


class EverywhereCalls:
    def __init__(self, rooms: RoomsClient) -> None:
        self._rooms = rooms

    def routes(self) -> list[Route]:
        def route(method: str, path: str, verb: str, text: str, body: Any) -> Route:
            handler = partial(self.act, verb)
            return Route(method, _BASE + path, Who.ADMIN, text, handler, body, SanctionedEverywhere)

        listing = "Who is muted or banned in all rooms."
        query = (_AFTER, _LIMIT)
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
        await self._rooms.users(row)
        return SanctionedEverywhere(uid)

    async def list(self, call: Call) -> SanctionsInForce:
        users = _LIMIT.read(call) or _DEFAULT_USERS
        found = await self._rooms.sanctions(users, _AFTER.read(call) or "")
        sanctions = [
            SanctionInForce(one.kind, one.uid, one.by, one.since_ms, one.until_ms, one.reason)
            for one in found.sanctions
        ]
        return SanctionsInForce(sanctions, found.after)
