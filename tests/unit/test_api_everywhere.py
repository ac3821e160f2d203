from __future__ import annotations

from typing import Any

import pytest

from danmaku.envelope import SanctionsReply
from danmaku.model import Role, Sanction
from danmaku.moderation_rows import SanctionEverywhereRow
from danmaku.rows import HelloRow
from tests.unit.api_service import Service

BASE = "/v1/admin"
CALLS: list[tuple[str, str, Any, str]] = [
    ("POST", "/mutes", {"uid": "bob"}, "mute"),
    ("DELETE", "/mutes/bob", None, "unmute"),
    ("POST", "/bans", {"uid": "bob"}, "ban"),
    ("DELETE", "/bans/bob", None, "unban"),
]


@pytest.mark.parametrize(("method", "path", "body", "verb"), CALLS)
async def test_an_admin_sanctions_everywhere(method: str, path: str, body: Any, verb: str) -> None:
    service = Service()
    answer = await service.call(method, BASE + path, body, service.token("root", Role.ADMIN))
    assert (answer.status, answer.json) == (200, {"uid": "bob", "changed": True})
    assert service.rooms.user_rows[-1] == SanctionEverywhereRow(verb, "bob", "root", Role.ADMIN)


@pytest.mark.parametrize(("method", "path", "body", "verb"), [*CALLS, ("GET", "/sanctions", None, "")])
async def test_nobody_but_admins_may(method: str, path: str, body: Any, verb: str) -> None:
    service = Service()
    for token in (service.token("eve", Role.STREAMER), service.token("eve", r=Role.ADMIN)):
        assert (await service.call(method, BASE + path, body, token)).refusal == (403, "forbidden")
    assert (await service.call(method, BASE + path, body)).refusal == (401, "unauthorized")
    assert not any(isinstance(row, SanctionEverywhereRow) for row in service.rooms.user_rows)


async def test_for_how_long_and_why() -> None:
    service = Service()
    body = {"uid": "bob", "seconds": 60, "reason": "spam"}
    await service.call("POST", f"{BASE}/bans", body, service.token("root", Role.ADMIN))
    row = service.rooms.user_rows[-1]
    assert row == SanctionEverywhereRow("ban", "bob", "root", Role.ADMIN, 60, "spam")


@pytest.mark.parametrize(
    ("path", "body", "refusal"),
    [
        ("/mutes", {}, "bad_frame"),
        ("/mutes", {"uid": "b b"}, "bad_id"),
        ("/mutes", {"uid": "bob", "seconds": 0}, "bad_frame"),
        ("/bans", {"uid": "bob", "seconds": 10**10}, "bad_frame"),
        ("/bans", {"uid": "bob", "reason": "x" * 201}, "bad_frame"),
    ],
)
async def test_what_is_no_sanction(path: str, body: dict[str, Any], refusal: str) -> None:
    service = Service()
    answer = await service.call("POST", BASE + path, body, service.token("root", Role.ADMIN))
    assert answer.refusal == (400, refusal)


async def test_who_is_sanctioned_page_by_page() -> None:
    service = Service()
    root = service.token("root", Role.ADMIN)
    answer = await service.call("GET", f"{BASE}/sanctions", token=root)
    assert answer.json == {"sanctions": [], "after": None}
    assert service.rooms.asked_for == [(100, "")]
    service.rooms.in_force = SanctionsReply(
        [Sanction("ban", "bob", "root", 5, 70, "spam"), Sanction("mute", "cat", "root", 6)], "cat"
    )
    answer = await service.call("GET", f"{BASE}/sanctions?after=ann&limit=2", token=root)
    assert answer.json == {
        "sanctions": [
            {"kind": "ban", "uid": "bob", "by": "root", "since": 5, "until": 70, "reason": "spam"},
            {"kind": "mute", "uid": "cat", "by": "root", "since": 6, "until": None, "reason": ""},
        ],
        "after": "cat",
    }
    assert service.rooms.asked_for[-1] == (2, "ann")
    for query in ("limit=0", "limit=201", "limit=x", "after=a%20b"):
        answer = await service.call("GET", f"{BASE}/sanctions?{query}", token=root)
        assert answer.status == 400


async def test_the_role_of_who_calls_is_told_to_whoever_knows_of_bans() -> None:
    service = Service()
    await service.call("GET", f"{BASE}/sanctions", token=service.token("root", Role.ADMIN))
    assert [row.role for row in service.rooms.user_rows if isinstance(row, HelloRow)] == [Role.ADMIN]
