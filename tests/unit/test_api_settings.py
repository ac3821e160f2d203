from __future__ import annotations

from typing import Any

import pytest

from danmaku.model import Role, RoomSettings
from danmaku.moderation_rows import ConfigureRow
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
async def test_nobody_else_may(method: str) -> None:
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
