"""Sanctions in one room: mutes, bans, kicks."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from danmaku import model, records
from danmaku.errors import CONFLICT
from danmaku.model import check_id
from danmaku.moderation_rows import SanctionRow
from edge.api.routing import Call, Id, IdQuery, NumberQuery, RoomsClient, Route, Who, changed

_MOST_S: Final = 366 * 24 * 3600
DEFAULT_USERS: Final = 100
AFTER: Final = IdQuery("after", "the uid after which to begin: what the page before said")
LIMIT: Final = NumberQuery("limit", f"how many users; {DEFAULT_USERS} if not given", 1, 200)
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
    """`changed` false: there was nothing to lift."""

    room: str
    uid: str
    changed: bool


class SanctionInForce(msgspec.Struct):
    """Times are in ms since 1970; without `until` it lasts until it is lifted."""

    kind: Literal["mute", "ban"]
    uid: str
    by: str
    since: int
    until: int | None
    reason: str

    @classmethod
    def of(cls, one: model.Sanction) -> SanctionInForce:
        return cls(one.kind, one.uid, one.by, one.since_ms, one.until_ms, one.reason)


class SanctionsInForce(msgspec.Struct):
    """By uid. `after` is what to ask with for the next page, null where there is none."""

    sanctions: list[SanctionInForce]
    after: str | None


class SanctionCalls:
    def __init__(self, rooms: RoomsClient) -> None:
        self._rooms = rooms

    def routes(self) -> list[Route]:
        def route(method: str, path: str, verb: str, text: str, body: Any) -> Route:
            handler = partial(self.act, verb)
            return Route(
                method, _BASE + path, Who.MODERATOR, text, handler, body, Sanctioned, refuses=(CONFLICT,)
            )

        listing, query = "Who is muted or banned in this room.", (AFTER, LIMIT)
        return [
            route("POST", "/mutes", "mute", "Mute a user in this room.", Sanction),
            route("DELETE", "/mutes/{uid}", "unmute", "Let a muted user speak again.", None),
            route("POST", "/bans", "ban", "Ban a user from this room.", Sanction),
            route("DELETE", "/bans/{uid}", "unban", "Let a banned user in again.", None),
            route("POST", "/kicks", "kick", "Put a user out of this room; they may come back.", Kick),
            Route(
                "GET", f"{_BASE}/sanctions", Who.MODERATOR, listing, self.list, None, SanctionsInForce, query
            ),
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
        return Sanctioned(call.parts["room"], uid, changed(await self._rooms.ask(row)))

    async def list(self, call: Call) -> SanctionsInForce:
        """Those of the room; what holds in all rooms is not among them."""
        users = LIMIT.read(call) or DEFAULT_USERS
        request = records.SanctionedRequest(0, call.parts["room"], users, AFTER.read(call) or "")
        found = await self._rooms.read(request, records.Sanctioned)
        return SanctionsInForce([SanctionInForce.of(one) for one in found.sanctions], found.after)
