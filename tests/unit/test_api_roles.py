"""Who may call what: every route for every role, in one table. A route without a row here fails."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import pytest

from danmaku.auth import Authority
from danmaku.model import Identity, Role
from tests.unit.api_service import NOW, SECRET, Service

ANNOUNCEMENT: Final = {"kind": "announce", "text": "Welcome", "cid": "c1"}
POLL: Final = {"question": "Which?", "options": ["one", "two"], "cid": "c1"}
SOLD: Final = {"amount": 500, "currency": "CNY"}
PAID: Final = {"kind": "paid", "uid": "bob", "name": "Bob", "text": "hi", "cid": "c1", **SOLD}
COMMENT: Final = {"kind": "comment", "text": "hi", "cid": "c1"}
REFRESH: Final = Authority(secret=SECRET).issue(Identity("eve", "Eve", Role.VIEWER), NOW).refresh
UID: Final = {"uid": "bob"}
ROOM, GROUP, CONV = "/v1/admin/rooms/r", "/v1/groups/team", "/v1/chat/conversations/p:ann:bob"

CALLERS: Final[dict[str, tuple[Role, dict[str, Role]] | None]] = {
    "anonymous": None,
    "guest": (Role.GUEST, {}),
    "viewer": (Role.VIEWER, {}),
    "moderator of another room": (Role.VIEWER, {"other": Role.MODERATOR}),
    "streamer of another room": (Role.VIEWER, {"other": Role.STREAMER}),
    "appointed moderator": (Role.VIEWER, {}),
    "moderator": (Role.VIEWER, {"r": Role.MODERATOR}),
    "streamer": (Role.VIEWER, {"r": Role.STREAMER}),
    "admin": (Role.ADMIN, {}),
}
STREAMERS: Final = {"streamer", "admin"}
MODERATORS: Final = {*STREAMERS, "moderator", "appointed moderator"}
USERS: Final = {*MODERATORS, "viewer", "moderator of another room", "streamer of another room"}
ALL: Final = set(CALLERS)


@dataclass(frozen=True)
class Row:
    """`who` may call it; everybody else is told 401 where they bring no token, and 403 where they do."""

    who: set[str]
    method: str
    route: str
    url: str = ""
    body: Any = None
    status: int = 200


TABLE: Final = [
    Row({"admin"}, "POST", "/v1/tokens", body=UID),
    Row(ALL, "POST", "/v1/tokens/refresh", body={"refresh_token": REFRESH}),
    Row({"admin"}, "DELETE", "/v1/tokens/{uid}", "/v1/tokens/bob"),
    Row(ALL, "GET", "/v1/edges"),
    Row(ALL, "GET", "/v1/ws", status=426),  # it is no WebSocket that calls it
    Row({"admin"}, "GET", "/v1/fleet"),
    Row({"admin"}, "POST", "/v1/admin/edges/{edge}/drain", "/v1/admin/edges/e1/drain", {"last": True}),
    Row({"admin"}, "DELETE", "/v1/admin/edges/{edge}/drain", "/v1/admin/edges/e1/drain"),
    Row(ALL, "GET", "/v1/rooms"),
    Row(ALL, "GET", "/v1/rooms/{room}", "/v1/rooms/r"),
    Row(STREAMERS, "PUT", "/v1/rooms/{room}", "/v1/rooms/r", {}),
    Row(STREAMERS, "DELETE", "/v1/rooms/{room}", "/v1/rooms/r"),
    Row(USERS, "POST", "/v1/rooms/{room}/messages", "/v1/rooms/r/messages", COMMENT),
    Row(MODERATORS, "POST", "/v1/rooms/{room}/messages", "/v1/rooms/r/messages", ANNOUNCEMENT),
    Row(ALL, "GET", "/v1/rooms/{room}/messages", "/v1/rooms/r/messages"),
    Row(MODERATORS, "POST", "/v1/rooms/{room}/messages", "/v1/rooms/r/messages", PAID),
    Row(MODERATORS, "POST", "/v1/rooms/{room}/polls", "/v1/rooms/r/polls", POLL),
    Row(ALL, "GET", "/v1/rooms/{room}/polls", "/v1/rooms/r/polls"),
    Row(ALL, "GET", "/v1/rooms/{room}/polls/{poll}", "/v1/rooms/r/polls/p1"),
    Row(MODERATORS, "DELETE", "/v1/rooms/{room}/polls/{poll}", "/v1/rooms/r/polls/p1"),
    Row(USERS, "POST", "/v1/rooms/{room}/polls/{poll}/votes", "/v1/rooms/r/polls/p1/votes", {"option": 0}),
    Row(MODERATORS, "DELETE", "/v1/rooms/{room}/pinned", "/v1/rooms/r/pinned"),
    Row({"admin"}, "POST", "/v1/broadcast", body=ANNOUNCEMENT),
    Row(MODERATORS, "POST", "/v1/admin/rooms/{room}/mutes", f"{ROOM}/mutes", UID),
    Row(MODERATORS, "DELETE", "/v1/admin/rooms/{room}/mutes/{uid}", f"{ROOM}/mutes/bob"),
    Row(MODERATORS, "POST", "/v1/admin/rooms/{room}/bans", f"{ROOM}/bans", UID),
    Row(MODERATORS, "DELETE", "/v1/admin/rooms/{room}/bans/{uid}", f"{ROOM}/bans/bob"),
    Row(MODERATORS, "POST", "/v1/admin/rooms/{room}/kicks", f"{ROOM}/kicks", UID),
    Row(MODERATORS, "DELETE", "/v1/admin/rooms/{room}/messages/{position}", f"{ROOM}/messages/7-1"),
    Row(MODERATORS, "POST", "/v1/admin/rooms/{room}/clear", f"{ROOM}/clear", {}),
    Row(MODERATORS, "GET", "/v1/admin/rooms/{room}/moderators", f"{ROOM}/moderators"),
    Row(STREAMERS, "PUT", "/v1/admin/rooms/{room}/moderators/{uid}", f"{ROOM}/moderators/bob", {}),
    Row(STREAMERS, "DELETE", "/v1/admin/rooms/{room}/moderators/{uid}", f"{ROOM}/moderators/bob"),
    Row(MODERATORS, "GET", "/v1/admin/rooms/{room}/settings", f"{ROOM}/settings"),
    Row(MODERATORS, "PATCH", "/v1/admin/rooms/{room}/settings", f"{ROOM}/settings", {"slow_s": 3}),
    Row(MODERATORS, "GET", "/v1/admin/rooms/{room}/held", f"{ROOM}/held"),
    Row(MODERATORS, "POST", "/v1/admin/rooms/{room}/held/{held}", f"{ROOM}/held/7-1", {"decision": "deny"}),
    Row(MODERATORS, "GET", "/v1/admin/rooms/{room}/signs", f"{ROOM}/signs"),
    Row(MODERATORS, "POST", "/v1/admin/rooms/{room}/raid", f"{ROOM}/raid", {}),
    Row(MODERATORS, "DELETE", "/v1/admin/rooms/{room}/raid", f"{ROOM}/raid"),
    Row(MODERATORS, "GET", "/v1/admin/rooms/{room}/audit", f"{ROOM}/audit"),
    Row(MODERATORS, "GET", "/v1/admin/rooms/{room}/sanctions", f"{ROOM}/sanctions"),
    Row(MODERATORS, "GET", "/v1/admin/rooms/{room}/users/{uid}", f"{ROOM}/users/bob"),
    Row({"admin"}, "GET", "/v1/admin/audit"),
    Row(MODERATORS, "GET", "/v1/admin/rooms/{room}/words", f"{ROOM}/words"),
    Row(MODERATORS, "PUT", "/v1/admin/rooms/{room}/words", f"{ROOM}/words", {"refuse": ["bad"]}),
    Row(MODERATORS, "POST", "/v1/admin/rooms/{room}/words/test", f"{ROOM}/words/test", {"text": "bad"}),
    Row({"admin"}, "GET", "/v1/admin/words"),
    Row({"admin"}, "PUT", "/v1/admin/words", body={"refuse": ["bad"]}),
    Row({"admin"}, "POST", "/v1/admin/mutes", body=UID),
    Row({"admin"}, "DELETE", "/v1/admin/mutes/{uid}", "/v1/admin/mutes/bob"),
    Row({"admin"}, "POST", "/v1/admin/bans", body=UID),
    Row({"admin"}, "DELETE", "/v1/admin/bans/{uid}", "/v1/admin/bans/bob"),
    Row({"admin"}, "GET", "/v1/admin/sanctions"),
    Row({"admin"}, "GET", "/v1/admin/config"),
    Row({"admin"}, "PATCH", "/v1/admin/config", body={"values": {"policy.slow_s": 3}}),
    Row({"admin"}, "GET", "/v1/admin/config/history"),
    Row({"admin"}, "POST", "/v1/admin/config/rollback", body={"version": 0}),
    Row({"admin"}, "GET", "/v1/admin/settings"),
    Row({"admin"}, "PUT", "/v1/admin/settings", body={"settings": {}}),
    Row(
        USERS,
        "POST",
        "/v1/chat/messages",
        body={"to": "bob", "body": [{"type": "text", "text": "hi"}], "cid": "c1"},
    ),
    Row(USERS, "GET", "/v1/chat/conversations"),
    Row(USERS, "GET", "/v1/chat/conversations/{conv}/messages", f"{CONV}/messages"),
    Row(USERS, "PUT", "/v1/chat/conversations/{conv}/read", f"{CONV}/read", {"seq": 3}),
    Row(USERS, "DELETE", "/v1/chat/conversations/{conv}/messages/{seq}", f"{CONV}/messages/3"),
    Row(USERS, "GET", "/v1/chat/blocks"),
    Row(USERS, "POST", "/v1/chat/blocks", body=UID),
    Row(USERS, "DELETE", "/v1/chat/blocks/{uid}", "/v1/chat/blocks/bob"),
    Row(USERS, "GET", "/v1/chat/sessions"),
    Row(USERS, "DELETE", "/v1/chat/sessions/{device}", "/v1/chat/sessions/tv"),
    Row(USERS, "GET", "/v1/chat/presence/{uid}", "/v1/chat/presence/bob"),
    Row(USERS, "POST", "/v1/groups", body={"name": "Team"}),
    Row(USERS, "GET", "/v1/groups/{gid}", GROUP),
    Row(USERS, "PATCH", "/v1/groups/{gid}", GROUP, {"name": "Team"}),
    Row(USERS, "DELETE", "/v1/groups/{gid}", GROUP),
    Row(USERS, "PUT", "/v1/groups/{gid}/members/{uid}", f"{GROUP}/members/bob", {}),
    Row(USERS, "DELETE", "/v1/groups/{gid}/members/{uid}", f"{GROUP}/members/bob"),
    Row(USERS, "POST", "/v1/groups/{gid}/mutes", f"{GROUP}/mutes", {"uid": "bob", "seconds": 60}),
    Row(USERS, "DELETE", "/v1/groups/{gid}/mutes/{uid}", f"{GROUP}/mutes/bob"),
    Row(ALL, "GET", "/healthz"),
    Row(ALL, "GET", "/readyz"),
    Row(ALL, "GET", "/metrics"),
    Row(ALL, "GET", "/openapi.json"),
]


@cache
def service_of(caller: str) -> Service:
    """One for all their calls: to make one takes longer than to call it."""
    service = Service()
    if caller == "appointed moderator":
        service.rooms.appointed = {"eve"}
    return service


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.method} {row.route}")
async def test_who_may_and_who_may_not(row: Row, caller: str) -> None:
    service, rank = service_of(caller), CALLERS[caller]
    service.rooms.rows.clear()
    token = None if rank is None else service.token("eve", rank[0], **rank[1])
    answer = await service.call(row.method, row.url or row.route, row.body, token)
    refused = 401 if rank is None else 403
    assert answer.status == (row.status if caller in row.who else refused), answer.body
    if caller not in row.who:
        assert service.rooms.rows == []


async def test_no_route_is_forgotten() -> None:
    document = (await Service().call("GET", "/openapi.json")).json
    routes = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert {(row.method, row.route) for row in TABLE} == routes, "a route needs its row in the table above"
