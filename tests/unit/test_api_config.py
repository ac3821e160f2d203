from __future__ import annotations

from typing import Any

import pytest

from config.live import LIVE
from danmaku.adjustment import AdjustRow, RollBackRow
from danmaku.model import Role
from tests.unit.api_service import Service

PATH = "/v1/admin/config"
BACK = f"{PATH}/rollback"
CALLS = [("GET", PATH), ("PATCH", PATH), ("GET", f"{PATH}/history"), ("POST", BACK)]


async def test_an_admin_adjusts_settings_and_sees_what_is_in_force() -> None:
    service = Service()
    root = service.token("root", Role.ADMIN)
    before = await service.call("GET", PATH, token=root)
    assert before.status == 200
    nothing = {"version": 0, "at": 0, "by": "", "reason": "", "of": None, "values": {}}
    assert before.json["newest"] == nothing
    assert set(before.json["settings"]) == set(LIVE)
    assert before.json["settings"]["policy.slow_s"] == {
        "value": 0,
        "origin": "default",
        "allowed": "a whole number from 0 to 31622400, in seconds",
        "passed_over": None,
    }
    values = {"policy.slow_s": 3, "policy.links": "hold", "edge.frames_per_s": 2.5, "policy.review": True}
    body = {"values": values, "unset": ["log.level"], "reason": "busy", "expected": 0}
    answer = await service.call("PATCH", PATH, body, root)
    made = {"version": 1, "at": 5, "by": "root", "reason": "busy", "of": None, "values": values}
    assert (answer.status, answer.json) == (200, made)
    assert service.rooms.asked_for[-1] == AdjustRow(
        by="root", role=Role.ADMIN, reason="busy", expected=0, values=values, unset=["log.level"]
    )
    after = (await service.call("GET", PATH, token=root)).json
    assert after["newest"] == made
    assert (after["settings"]["policy.slow_s"]["value"], after["settings"]["policy.slow_s"]["origin"]) == (
        3,
        "adjusted",
    )
    assert after["settings"]["log.level"]["origin"] == "default"


async def test_what_an_edge_passes_over_is_told_with_what_it_goes_by_instead() -> None:
    service = Service(idle_s=30)
    root = service.token("root", Role.ADMIN)
    await service.call(
        "PATCH", PATH, {"values": {"edge.heartbeat_s": 40.0, "edge.slow_s": 7, "future.key": 1}}, root
    )
    told = (await service.call("GET", PATH, token=root)).json
    assert told["newest"]["values"]["edge.heartbeat_s"] == 40.0
    assert set(told["settings"]) == set(LIVE)
    assert told["settings"]["edge.heartbeat_s"] == {
        "value": 25.0,
        "origin": "default",
        "allowed": "a number from 0.05 to 900, in seconds",
        "passed_over": "edge.heartbeat_s = 40.0: must be below edge.idle_s (30)",
    }
    found = told["settings"]["edge.slow_s"]
    assert (found["value"], found["origin"], found["passed_over"]) == (7.0, "adjusted", None)


async def test_an_admin_goes_back() -> None:
    service = Service()
    root = service.token("root", Role.ADMIN)
    for number in range(3):
        await service.call("PATCH", PATH, {"values": {"policy.slow_s": number}}, root)
    answer = await service.call("POST", BACK, {"version": 2, "reason": "slow", "expected": 3}, root)
    assert (answer.status, answer.json["version"], answer.json["of"]) == (200, 4, 2)
    asked = RollBackRow(by="root", role=Role.ADMIN, reason="slow", expected=3, version=2)
    assert service.rooms.asked_for[-1] == asked
    page = (await service.call("GET", f"{PATH}/history?limit=2", token=root)).json
    assert [one["version"] for one in page["versions"]] == [4, 3]


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_nobody_else_may(method: str, path: str) -> None:
    service = Service()
    body = {"values": {"policy.slow_s": 3}} if method == "PATCH" else {"version": 1}
    for token in (service.token("eve", Role.STREAMER), service.token("eve", r=Role.ADMIN)):
        assert (await service.call(method, path, body, token)).refusal == (403, "forbidden")
    assert (await service.call(method, path, body)).refusal == (401, "unauthorized")
    assert len(service.rooms.adjusted) == 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", PATH, {}),
        ("PATCH", PATH, {"values": {}, "unset": []}),
        ("PATCH", PATH, {"values": {"policy.slow_s": 3}, "unset": ["policy.slow_s"]}),
        ("PATCH", PATH, {"values": {"policy.slow_s": None}}),
        ("PATCH", PATH, {"values": {"policy.slow_s": 2**70}}),
        ("PATCH", PATH, {"values": {"policy.slow_s": {"a": 1}}}),
        ("PATCH", PATH, {"values": {"policy.slow_s": 3}, "reason": "x" * 201}),
        ("PATCH", PATH, {"values": {"policy.slow_s": 3}, "expected": -1}),
        ("PATCH", PATH, {"value": {"policy.slow_s": 3}}),
        ("POST", BACK, {}),
        ("POST", BACK, {"version": -1}),
        ("POST", BACK, {"version": "1"}),
        ("GET", f"{PATH}/history?limit=101", None),
    ],
)
async def test_what_cannot_be_asked(method: str, path: str, body: Any) -> None:
    service = Service()
    answer = await service.call(method, path, body, service.token("root", Role.ADMIN))
    assert answer.refusal == (400, "bad_frame")
    assert len(service.rooms.adjusted) == 1


async def test_who_expects_another_version_overwrites_nobody() -> None:
    service = Service()
    body = {"values": {"policy.slow_s": 3}, "expected": 7}
    answer = await service.call("PATCH", PATH, body, service.token("root", Role.ADMIN))
    assert answer.refusal == (409, "conflict")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (
            {"policy.links": "hold", "policy.slow_s": 2**70},
            f"policy.slow_s = {2**70}: must be a whole number from 0 to 31622400, in seconds",
        ),
        ({"policy.slow_s": None}, "policy.slow_s: must be a whole number from 0 to 31622400, in seconds"),
        ({"policy.links": {"a": 1}}, "policy.links = {'a': 1}: must be one of hold, refuse, show"),
        ({"events.paid_pins": [1]}, "events.paid_pins = [1]: must be a list; each: "),
        ({"future.key": [1]}, "future.key = [1]: must be true or false or "),
    ],
)
async def test_what_cannot_be_a_value_is_told_by_its_key(values: dict[str, Any], told: str) -> None:
    service = Service()
    answer = await service.call("PATCH", PATH, {"values": values}, service.token("root", Role.ADMIN))
    assert answer.refusal == (400, "bad_frame")
    assert answer.json["error"]["message"].startswith(told)
    assert len(service.rooms.adjusted) == 1
