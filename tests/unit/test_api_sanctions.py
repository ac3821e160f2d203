from __future__ import annotations

from typing import Any

import pytest

from danmaku.model import Role
from danmaku.moderation_rows import SanctionRow
from danmaku.rows import Done, Rank
from tests.unit.api_service import Service

BASE = "/v1/admin/rooms/r"
CALLS: list[tuple[str, str, Any, str]] = [
    ("POST", "/mutes", {"uid": "bob"}, "mute"),
    ("DELETE", "/mutes/bob", None, "unmute"),
    ("POST", "/bans", {"uid": "bob"}, "ban"),
    ("DELETE", "/bans/bob", None, "unban"),
    ("POST", "/kicks", {"uid": "bob"}, "kick"),
]


@pytest.mark.parametrize(("method", "path", "body", "verb"), CALLS)
async def test_a_moderator_of_the_room_may(method: str, path: str, body: Any, verb: str) -> None:
    service = Service()
    answer = await service.call(method, BASE + path, body, service.token("mod", r=Role.MODERATOR))
    assert (answer.status, answer.json) == (200, {"room": "r", "uid": "bob", "changed": True})
    assert service.rooms.rows == [SanctionRow("r", verb, "bob", "mod", Role.MODERATOR)]


async def test_where_there_was_nothing_to_lift() -> None:
    service = Service()
    token = service.token("mod", r=Role.MODERATOR)
    service.rooms.answers[SanctionRow] = Done(changed=False)
    answer = await service.call("DELETE", f"{BASE}/bans/bob", None, token)
    assert answer.json == {"room": "r", "uid": "bob", "changed": False}
    service.rooms.answers[SanctionRow] = Rank(Role.VIEWER)
    assert (await service.call("DELETE", f"{BASE}/bans/bob", None, token)).refusal == (500, "internal")


@pytest.mark.parametrize(("method", "path", "body", "verb"), CALLS)
async def test_nobody_but_staff_of_the_room_may(method: str, path: str, body: Any, verb: str) -> None:
    service = Service()
    for token in (service.token("eve", r=Role.VIEWER), service.token("eve", other=Role.STREAMER)):
        assert (await service.call(method, BASE + path, body, token)).refusal == (403, "forbidden")
    assert (await service.call(method, BASE + path, body)).refusal == (401, "unauthorized")
    assert service.rooms.rows == []


@pytest.mark.parametrize("path", ["/mutes", "/bans"])
async def test_for_how_long_and_why(path: str) -> None:
    service = Service()
    body = {"uid": "bob", "seconds": 60, "reason": "spam"}
    await service.call("POST", BASE + path, body, service.token("root", Role.ADMIN))
    [row] = service.rooms.rows
    assert isinstance(row, SanctionRow)
    assert (row.by, row.role, row.seconds, row.reason) == ("root", Role.ADMIN, 60, "spam")


@pytest.mark.parametrize(
    ("path", "body", "refusal"),
    [
        ("/mutes", {}, "bad_frame"),
        ("/mutes", {"uid": "b b"}, "bad_id"),
        ("/mutes", {"uid": "bob", "seconds": 0}, "bad_frame"),
        ("/bans", {"uid": "bob", "seconds": 10**10}, "bad_frame"),
        ("/bans", {"uid": "bob", "reason": "x" * 201}, "bad_frame"),
        ("/kicks", {"uid": "bob", "seconds": 60}, "bad_frame"),
    ],
)
async def test_what_is_no_sanction(path: str, body: dict[str, Any], refusal: str) -> None:
    service = Service()
    answer = await service.call("POST", BASE + path, body, service.token("root", Role.ADMIN))
    assert answer.refusal == (400, refusal)
    assert service.rooms.rows == []
