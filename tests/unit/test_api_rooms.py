from __future__ import annotations

from typing import Any

import pytest

from danmaku.errors import ROOM_NOT_FOUND, Refusal
from danmaku.model import Role, RoomInfo, RoomSettings
from danmaku.rows import DeleteRoomRow, Done, GetRoomRow, PutRoomRow, Room
from tests.unit.api_service import Service


async def test_a_room_is_read_by_anyone() -> None:
    service = Service()
    info = RoomInfo("r", "标题", False, RoomSettings(slow_s=3), 7, 9, 1234)
    service.rooms.answers[GetRoomRow] = Room(info)
    answer = await service.call("GET", "/v1/rooms/r")
    assert answer.json == {
        "room": "r", "title": "标题", "open": False, "settings": {"slow_s": 3},
        "viewers": 7, "likes": 9, "created_ms": 1234, "raid_until_ms": 0,
    }  # fmt: skip
    assert service.rooms.rows == [GetRoomRow("r")]
    service.rooms.answers[GetRoomRow] = Refusal(ROOM_NOT_FOUND)
    assert (await service.call("GET", "/v1/rooms/r")).refusal == (404, "room_not_found")


async def test_rooms_are_listed() -> None:
    service = Service()
    service.rooms.infos = [RoomInfo("b", viewers=2), RoomInfo("a")]
    answer = await service.call("GET", "/v1/rooms")
    assert [room["room"] for room in answer.json["rooms"]] == ["b", "a"]
    await service.call("GET", "/v1/rooms?limit=7")
    await service.call("GET", "/v1/rooms?limit=500")
    assert service.rooms.asked_for == [100, 7, 500]
    for word in ("0", "501", "many"):
        assert (await service.call("GET", f"/v1/rooms?limit={word}")).refusal == (400, "bad_frame")


async def test_a_streamer_changes_their_room() -> None:
    service = Service()
    token = service.token("ann", r=Role.STREAMER)
    body = {"title": "New", "open": False, "settings": {"max_length": 20, "staff_only": True}}
    answer = await service.call("PUT", "/v1/rooms/r", body, token)
    assert (answer.json["room"], answer.json["title"]) == ("r", "Another")
    settings = RoomSettings(max_length=20, staff_only=True)
    assert service.rooms.rows == [PutRoomRow("r", "ann", Role.STREAMER, "New", False, settings)]
    await service.call("PUT", "/v1/rooms/r", None, token)
    assert service.rooms.rows[-1] == PutRoomRow("r", "ann", Role.STREAMER)


@pytest.mark.parametrize(
    "body",
    [
        {"title": "x" * 201},
        {"open": "yes"},
        {"name": "Ann"},
        {"settings": {"speed": 1}},
        {"settings": {"slow_s": -1}},
        {"settings": {"slow_s": 2**70}},
        {"settings": {"slow_s": "long"}},
    ],
)
async def test_a_change_that_cannot_be_understood(body: dict[str, Any]) -> None:
    service = Service()
    answer = await service.call("PUT", "/v1/rooms/r", body, service.token("root", Role.ADMIN))
    assert answer.refusal == (400, "bad_frame")
    assert service.rooms.rows == []


async def test_a_room_is_closed_for_good() -> None:
    service = Service()
    answer = await service.call("DELETE", "/v1/rooms/r", token=service.token("root", Role.ADMIN))
    assert (answer.status, answer.json) == (200, {"room": "r"})
    assert service.rooms.rows == [DeleteRoomRow("r", "root", Role.ADMIN)]


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_a_room_is_its_streamers(method: str) -> None:
    service = Service()
    for token in (service.token("mod", r=Role.MODERATOR), service.token("other", s=Role.STREAMER)):
        assert (await service.call(method, "/v1/rooms/r", {}, token)).refusal == (403, "forbidden")
    assert (await service.call(method, "/v1/rooms/r", {})).refusal == (401, "unauthorized")
    assert service.rooms.rows == []


async def test_an_answer_of_another_kind_is_a_mistake_of_ours() -> None:
    service = Service()
    service.rooms.answers[GetRoomRow] = Done()
    assert (await service.call("GET", "/v1/rooms/r")).refusal == (500, "internal")
