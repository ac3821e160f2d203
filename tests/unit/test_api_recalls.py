from __future__ import annotations

from typing import Any

import pytest

from danmaku.errors import NO_SUCH_MESSAGE, Refusal
from danmaku.model import Position, Role
from danmaku.moderation_rows import RecallRow
from tests.unit.api_service import Service

BASE = "/v1/admin/rooms/r"


async def asked(method: str, path: str, body: Any = None) -> tuple[Service, Any]:
    service = Service()
    return service, await service.call(method, BASE + path, body, service.token("mod", r=Role.MODERATOR))


@pytest.mark.parametrize(
    ("method", "path", "body", "row"),
    [
        ("DELETE", "/messages/1767225600000-41", None, {"position": Position(1767225600000, 41)}),
        (
            *("DELETE", "/messages/7-41?reason=%E5%B9%BF%E5%91%8A+ad", None),
            {"position": Position(7, 41), "reason": "广告 ad"},
        ),
        (
            "DELETE",
            f"/messages/7-41?reason={'x' * 200}",
            None,
            {"position": Position(7, 41), "reason": "x" * 200},
        ),
        ("POST", "/clear", {"uid": "bob", "reason": "rude"}, {"uid": "bob", "reason": "rude"}),
        ("POST", "/clear", {}, {}),
    ],
)
async def test_what_is_taken_back(method: str, path: str, body: Any, row: dict[str, Any]) -> None:
    service, answer = await asked(method, path, body)
    assert (answer.status, answer.json) == (200, {"room": "r", "changed": True})
    assert service.rooms.rows == [RecallRow("r", "mod", Role.MODERATOR, **row)]


@pytest.mark.parametrize(
    "position", ["7", "7-", "-7", "0-1", "7-0", "7-1-2", "a-b", "9007199254740992-1", "٧-1"]
)
async def test_a_position_has_its_form(position: str) -> None:
    service, answer = await asked("DELETE", f"/messages/{position}")
    assert answer.refusal == (400, "bad_id")
    assert service.rooms.rows == []


async def test_a_reason_has_its_bound() -> None:
    service, answer = await asked("DELETE", f"/messages/7-41?reason={'x' * 201}")
    assert answer.refusal == (400, "bad_frame")
    assert service.rooms.rows == []


async def test_bad_bodies_are_refused() -> None:
    for body, refusal in (
        ({"uid": "no id"}, "bad_id"),
        ({"uid": 5}, "bad_frame"),
        ({"user": "bob"}, "bad_frame"),
    ):
        service, answer = await asked("POST", "/clear", body)
        assert answer.refusal == (400, refusal)
        assert service.rooms.rows == []


async def test_the_owner_may_say_no() -> None:
    service = Service()
    service.rooms.answers[RecallRow] = Refusal(NO_SUCH_MESSAGE)
    answer = await service.call(
        "DELETE", f"{BASE}/messages/7-1", None, service.token("mod", r=Role.MODERATOR)
    )
    assert answer.refusal == (404, "no_such_message")
