from __future__ import annotations

import pytest

from danmaku.errors import ROOM_NOT_FOUND, UNAVAILABLE, Refusal
from danmaku.model import Role
from danmaku.moderation_rows import AppointRow, ModeratorsRow, SanctionRow
from danmaku.rows import Done, EventRow, RankRow
from tests.unit.api_service import Service

PATH = "/v1/admin/rooms/r/moderators"


async def test_a_streamer_appoints_and_dismisses() -> None:
    service = Service()
    token = service.token("ann", r=Role.STREAMER)
    for method, appointed in (("PUT", True), ("DELETE", False)):
        answer = await service.call(method, f"{PATH}/bob", token=token)
        assert (answer.status, answer.json) == (200, {"room": "r", "uid": "bob", "changed": True})
        assert service.rooms.rows[-1] == AppointRow("r", "bob", "ann", Role.STREAMER, appointed)


async def test_moderators_are_listed_for_staff() -> None:
    service = Service()
    answer = await service.call("GET", PATH, token=service.token("mod", r=Role.MODERATOR))
    assert answer.json == {"moderators": [{"uid": "mod", "by": "ann", "since": 5}]}
    service.rooms.answers[ModeratorsRow] = Done()
    answer = await service.call("GET", PATH, token=service.token("mod", r=Role.MODERATOR))
    assert answer.refusal == (500, "internal")


async def test_who_was_appointed_acts_as_a_moderator() -> None:
    service = Service()
    service.rooms.appointed = {"mod"}
    token = service.token("mod")
    assert (await service.call("POST", "/v1/admin/rooms/r/mutes", {"uid": "bob"}, token)).status == 200
    assert service.rooms.rows == [SanctionRow("r", "mute", "bob", "mod", Role.MODERATOR)]
    event = {"kind": "announce", "text": "Hello", "cid": "c1"}
    assert (await service.call("POST", "/v1/rooms/r/messages", event, token)).status == 200
    row = service.rooms.rows[-1]
    assert isinstance(row, EventRow)
    assert row.role is Role.MODERATOR
    assert b"moderator" in row.item


@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        (Refusal(ROOM_NOT_FOUND), (403, "forbidden")),
        (Refusal(UNAVAILABLE), (503, "unavailable")),
        (Done(), (500, "internal")),
    ],
)
async def test_where_it_is_not_known_nobody_is(answer: Refusal | Done, refusal: tuple[int, str]) -> None:
    service = Service()
    service.rooms.answers[RankRow] = answer
    asked = await service.call("POST", "/v1/admin/rooms/r/mutes", {"uid": "bob"}, service.token("eve"))
    assert asked.refusal == refusal
    assert service.rooms.rows == []
