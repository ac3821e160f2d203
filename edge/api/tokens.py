"""Tokens: issue, refresh, revoke."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from danmaku.auth import MAX_LIFE_S, MAX_ROOMS, AuthError, Authority
from danmaku.errors import BANNED, FORBIDDEN, INTERNAL, UNAUTHORIZED, Refusal
from danmaku.model import MAX_NUMBER, Identity, Role
from danmaku.rows import Refreshed, RefreshRow, RevokeRow
from edge.api.routing import Call, Id, RoomsClient, Route, Who

_RoomOrEvery = Annotated[
    str, Meta(extra_json_schema={"type": "string", "pattern": r"^([A-Za-z0-9_-]{1,64}|\*)$"})
]
_SomeRooms = Annotated[list[_RoomOrEvery], Meta(max_length=MAX_ROOMS)]
_RoleName = Literal["guest", "viewer", "moderator", "streamer", "admin"]


class IssueToken(msgspec.Struct, forbid_unknown_fields=True):
    """For whom. `rooms` gives a role per room; `ttl_s` is the life of its access tokens.

    What rooms may ask for: `member_of` and `follows` name rooms, or "*" for all of them; `since` is when
    the account was made, in seconds since 1970.
    """

    uid: Id
    name: Annotated[str, Meta(max_length=64)] | None = None
    role: _RoleName = "viewer"
    rooms: dict[Id, _RoleName] | None = None
    member_of: _SomeRooms = msgspec.field(default_factory=list)
    follows: _SomeRooms = msgspec.field(default_factory=list)
    since: Annotated[int, Meta(ge=0, le=MAX_NUMBER)] = 0
    ttl_s: Annotated[int, Meta(ge=1, le=MAX_LIFE_S)] | None = None


class RefreshToken(msgspec.Struct, forbid_unknown_fields=True):
    refresh_token: str


class Tokens(msgspec.Struct):
    access_token: str
    refresh_token: str
    expires_in_s: int
    token_type: str = "Bearer"  # noqa: S105  its kind


class Revoked(msgspec.Struct):
    uid: str


class TokenCalls:
    def __init__(self, authority: Authority, rooms: RoomsClient, now_s: Callable[[], float]) -> None:
        self._authority = authority
        self._rooms = rooms
        self._now_s = now_s

    def routes(self) -> list[Route]:
        issue = "Issue an access and a refresh token."
        refresh = (
            "A new pair for a refresh token, which is spent. The same pair is repeated for 30 s, should the "
            "answer get lost; a later reuse revokes the whole family."
        )
        revoke = "Revoke all a user holds and close their sockets."
        return [
            Route("POST", "/v1/tokens", Who.ADMIN, issue, self.issue, IssueToken, Tokens),
            Route(
                *("POST", "/v1/tokens/refresh", Who.ANYONE, refresh, self.refresh, RefreshToken, Tokens),
                refuses=(UNAUTHORIZED, FORBIDDEN, BANNED),
            ),
            Route("DELETE", "/v1/tokens/{uid}", Who.ADMIN, revoke, self.revoke, None, Revoked),
        ]

    async def issue(self, call: Call) -> Tokens:
        body: IssueToken = call.body
        rooms = {room: Role.parse(label) for room, label in (body.rooms or {}).items()}
        identity = Identity(
            body.uid,
            body.name or body.uid,
            Role.parse(body.role),
            rooms or None,
            member_of=frozenset(body.member_of),
            follows=frozenset(body.follows),
            since_s=body.since,
        )
        return self._mint(identity, self._now_s(), body.ttl_s, None, 1)

    async def refresh(self, call: Call) -> Tokens:
        body: RefreshToken = call.body
        claims = self._authority.read_refresh(body.refresh_token, self._now_s())
        uid = claims.identity.uid
        row = RefreshRow(uid, claims.family, claims.n, claims.issued_ms, claims.expires_ms)
        spent = await self._rooms.users(row)
        if not isinstance(spent, Refreshed):
            raise Refusal(INTERNAL)
        return self._mint(claims.identity, spent.issued_ms / 1000, claims.ttl_s, claims.family, spent.n)

    async def revoke(self, call: Call) -> Revoked:
        uid = call.parts["uid"]
        await self._rooms.users(RevokeRow(uid, call.caller.uid, call.role))
        return Revoked(uid)

    def _mint(
        self, identity: Identity, now_s: float, ttl_s: int | None, family: str | None, n: int
    ) -> Tokens:
        try:
            pair = self._authority.issue(identity, now_s, ttl_s=ttl_s, family=family, n=n)
        except AuthError as error:
            raise Refusal(FORBIDDEN, str(error)) from None
        return Tokens(pair.access, pair.refresh, pair.expires_in_s)
