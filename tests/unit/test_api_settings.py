from __future__ import annotations

from typing import Any

import pytest

from danmaku.model import Role, RoomSettings
from danmaku.moderation_rows import ConfigureRow, RaidRow, RoomSettingsRow
from danmaku.rows import Done
from tests.unit.api_service import Service

PATH = "/v1/admin/settings"


async def test_an_admin_reads_and_replaces_them() -> None:
    service = Service()
    root = service.token("root", Role.ADMIN)
    answer = await service.call("GET", PATH, token=root)
    assert (answer.status, answer.json) == (200, {"settings": {}, "in_force": {}})
    answer = await service.call("PUT", PATH, {"settings": {"slow_s": 3, "staff_only": False}}, root)
    assert answer.status == 200
    assert answer.json == {"settings": {"slow_s": 3, "staff_only": False}, "in_force": {"slow_s": 1}}
    row = service.rooms.user_rows[-1]
    assert row == ConfigureRow(RoomSettings(slow_s=3, staff_only=False), "root", Role.ADMIN)


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_nobody_but_admins_may(method: str) -> None:
    service = Service()
    for token in (service.token("eve", Role.STREAMER), service.token("eve", r=Role.ADMIN)):
        assert (await service.call(method, PATH, {}, token)).refusal == (403, "forbidden")
    assert (await service.call(method, PATH, {})).refusal == (401, "unauthorized")
    assert not any(isinstance(row, ConfigureRow) for row in service.rooms.user_rows)


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"slow_s": 3},
        {"settings": None},
        {"settings": {"slow": 3}},
        {"settings": {"slow_s": "3"}},
        {"settings": {"slow_s": -1}},
        {"settings": {"max_length": 2**60}},
    ],
)
async def test_what_are_no_settings(body: Any) -> None:
    service = Service()
    answer = await service.call("PUT", PATH, body, service.token("root", Role.ADMIN))
    assert answer.refusal == (400, "bad_frame")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"slow_s": -3}, "slow_s must be from 0 to 31622400"),
        ({"max_length": 2**60}, "max_length must be from 1 to 10000"),
        ({"links": "maybe"}, "hold, refuse, show"),
        ({"slow_s": "3"}, "slow_s must be a whole number or null"),
        ({"slow": 3}, ", ".join(sorted(RoomSettings.__struct_fields__))),
    ],
)
async def test_what_may_be_set_is_told(settings: dict[str, Any], told: str) -> None:
    service = Service()
    mod, root = service.token("mod", r=Role.MODERATOR), service.token("root", Role.ADMIN)
    for answer in (
        await service.call("PATCH", OF_ROOM, settings, mod),
        await service.call("PUT", PATH, {"settings": settings}, root),
    ):
        assert answer.refusal == (400, "bad_frame")
        assert told in answer.json["error"]["message"]


OF_ROOM = "/v1/admin/rooms/r/settings"
RAID = "/v1/admin/rooms/r/raid"
ANSWER = {
    "room": "r",
    "settings": {"slow_s": 3},
    "in_force": {"slow_s": 3, "links": "hold"},
    "raid_until_ms": 5000,
}
NOTHING = RoomSettings()


async def test_a_moderator_reads_and_changes_those_of_a_room() -> None:
    service = Service()
    mod = service.token("mod", r=Role.MODERATOR)
    answer = await service.call("GET", OF_ROOM, token=mod)
    assert (answer.status, answer.json) == (200, ANSWER)
    body = {"links": "hold", "emoji_only": False, "slow_s": None}
    assert (await service.call("PATCH", OF_ROOM, body, mod)).json == ANSWER
    assert service.rooms.rows == [
        RoomSettingsRow("r", "mod", Role.MODERATOR, NOTHING, []),
        RoomSettingsRow("r", "mod", Role.MODERATOR, RoomSettings(links="hold", emoji_only=False), ["slow_s"]),
    ]


async def test_raid_mode_begins_and_ends() -> None:
    service = Service()
    mod = service.token("mod", r=Role.MODERATOR)
    for body in ({}, {"seconds": 60, "reason": "they come"}):
        assert (await service.call("POST", RAID, body, mod)).json == ANSWER
    assert (await service.call("DELETE", RAID, token=mod)).json == ANSWER
    assert service.rooms.rows == [
        RaidRow("r", "mod", Role.MODERATOR, 600),
        RaidRow("r", "mod", Role.MODERATOR, 60, "they come"),
        RaidRow("r", "mod", Role.MODERATOR, 0),
    ]


@pytest.mark.parametrize(
    ("method", "path"), [("GET", OF_ROOM), ("PATCH", OF_ROOM), ("POST", RAID), ("DELETE", RAID)]
)
async def test_only_staff_of_the_room_may(method: str, path: str) -> None:
    service = Service()
    for token in (service.token("eve", r=Role.VIEWER), service.token("eve", other=Role.STREAMER)):
        assert (await service.call(method, path, {}, token)).refusal == (403, "forbidden")
    assert (await service.call(method, path, {})).refusal == (401, "unauthorized")
    assert service.rooms.rows == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", OF_ROOM, []),
        ("PATCH", OF_ROOM, {"slow": 3}),
        ("PATCH", OF_ROOM, {"slow_s": "3"}),
        ("PATCH", OF_ROOM, {"links": "maybe"}),
        ("PATCH", OF_ROOM, {"emoji_only": 1}),
        ("PATCH", OF_ROOM, {"slow_s": -1}),
        ("POST", RAID, {"seconds": 0}),
        ("POST", RAID, {"seconds": 86_401}),
        ("POST", RAID, {"reason": "x" * 201}),
    ],
)
async def test_what_cannot_be_set(method: str, path: str, body: Any) -> None:
    service = Service()
    answer = await service.call(method, path, body, service.token("mod", r=Role.MODERATOR))
    assert answer.refusal == (400, "bad_frame")
    assert service.rooms.rows == []


async def test_an_answer_that_is_none() -> None:
    service = Service()
    service.rooms.answers[RoomSettingsRow] = Done()
    answer = await service.call("GET", OF_ROOM, token=service.token("mod", r=Role.MODERATOR))
    assert answer.refusal == (500, "internal")
