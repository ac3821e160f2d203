from __future__ import annotations

import json
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from danmaku.errors import REFUSALS
from danmaku.model import SETTING_BOUNDS, Role
from tests.unit.api_service import Service

EXPECTED = {
    "POST /v1/tokens", "POST /v1/tokens/refresh", "DELETE /v1/tokens/{uid}",
    "GET /v1/rooms", "GET /v1/rooms/{room}", "PUT /v1/rooms/{room}", "DELETE /v1/rooms/{room}",
    "POST /v1/rooms/{room}/messages", "GET /v1/rooms/{room}/messages", "POST /v1/broadcast",
    "POST /v1/rooms/{room}/polls", "GET /v1/rooms/{room}/polls", "GET /v1/rooms/{room}/polls/{poll}",
    "DELETE /v1/rooms/{room}/polls/{poll}", "POST /v1/rooms/{room}/polls/{poll}/votes",
    "DELETE /v1/rooms/{room}/pinned",
    "GET /v1/edges", "GET /v1/ws", "GET /v1/fleet",
    "POST /v1/admin/edges/{edge}/drain", "DELETE /v1/admin/edges/{edge}/drain",
    "POST /v1/admin/rooms/{room}/mutes", "DELETE /v1/admin/rooms/{room}/mutes/{uid}",
    "POST /v1/admin/rooms/{room}/bans", "DELETE /v1/admin/rooms/{room}/bans/{uid}",
    "POST /v1/admin/rooms/{room}/kicks",
    "GET /v1/admin/rooms/{room}/moderators", "PUT /v1/admin/rooms/{room}/moderators/{uid}",
    "DELETE /v1/admin/rooms/{room}/moderators/{uid}",
    "GET /v1/admin/rooms/{room}/audit", "GET /v1/admin/audit", "GET /v1/admin/rooms/{room}/sanctions",
    "GET /v1/admin/rooms/{room}/users/{uid}",
    "POST /v1/admin/mutes", "DELETE /v1/admin/mutes/{uid}",
    "POST /v1/admin/bans", "DELETE /v1/admin/bans/{uid}", "GET /v1/admin/sanctions",
    "GET /v1/admin/settings", "PUT /v1/admin/settings",
    "GET /v1/admin/config", "PATCH /v1/admin/config",
    "GET /v1/admin/config/history", "POST /v1/admin/config/rollback",
    "GET /v1/admin/rooms/{room}/settings", "PATCH /v1/admin/rooms/{room}/settings",
    "DELETE /v1/admin/rooms/{room}/messages/{position}", "POST /v1/admin/rooms/{room}/clear",
    "GET /v1/admin/rooms/{room}/held", "POST /v1/admin/rooms/{room}/held/{held}",
    "GET /v1/admin/rooms/{room}/signs",
    "POST /v1/admin/rooms/{room}/raid", "DELETE /v1/admin/rooms/{room}/raid",
    "GET /v1/admin/rooms/{room}/words", "PUT /v1/admin/rooms/{room}/words",
    "POST /v1/admin/rooms/{room}/words/test", "GET /v1/admin/words", "PUT /v1/admin/words",
    "POST /v1/chat/messages", "GET /v1/chat/conversations",
    "GET /v1/chat/conversations/{conv}/messages", "PUT /v1/chat/conversations/{conv}/read",
    "DELETE /v1/chat/conversations/{conv}/messages/{seq}",
    "GET /v1/chat/sessions", "DELETE /v1/chat/sessions/{device}", "GET /v1/chat/presence/{uid}",
    "GET /v1/chat/blocks", "POST /v1/chat/blocks", "DELETE /v1/chat/blocks/{uid}",
    "POST /v1/groups", "GET /v1/groups/{gid}", "PATCH /v1/groups/{gid}", "DELETE /v1/groups/{gid}",
    "PUT /v1/groups/{gid}/members/{uid}", "DELETE /v1/groups/{gid}/members/{uid}",
    "POST /v1/groups/{gid}/mutes", "DELETE /v1/groups/{gid}/mutes/{uid}",
    "GET /healthz", "GET /readyz", "GET /metrics", "GET /openapi.json",
}  # fmt: skip

PARTS = {
    "room": "r",
    "uid": "u",
    "conv": "p:ann:bob",
    "gid": "team",
    "seq": "3",
    "device": "tv",
    "held": "7-1",
    "poll": "p1",
    "edge": "e1",
    "position": "7-1",
}


@pytest.fixture
async def document() -> Any:
    answer = await Service().call("GET", "/openapi.json")
    assert answer.status == 200
    return answer.json


def operations(document: Any) -> dict[str, Any]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def check(document: Any, schema: dict[str, Any], value: Any) -> None:
    OAS31Validator({**schema, "components": document["components"]}).validate(value)


async def test_it_is_valid(document: Any) -> None:
    validate(document, cls=OpenAPIV31SpecValidator)


async def test_it_tells_every_call(document: Any) -> None:
    known = operations(document)
    assert set(known) == EXPECTED
    ids = [operation["operationId"] for operation in known.values()]
    assert len(set(ids)) == len(ids)


async def test_each_call_is_there_and_wants_a_token_where_it_says_so(document: Any) -> None:
    service = Service()
    for name, operation in operations(document).items():
        method, path = name.split(" ")
        answer = await service.call(method, path.format(**PARTS), b"{}")
        needs_token = operation.get("security") == [{"token": []}]
        assert (answer.status == 401) == needs_token, name
        assert answer.status not in (404, 405), name


async def test_each_call_tells_its_parameters_body_answer_and_refusals(document: Any) -> None:
    for name, operation in operations(document).items():
        told = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
        assert told == {part.strip("{}") for part in name.split("/") if part.startswith("{")}
        assert ("requestBody" in operation) == name.startswith(("POST", "PUT", "PATCH"))
        for status, response in operation["responses"].items():
            assert status.isdigit(), name
            if "$ref" in response:
                told = response["description"].split(", ")
                assert all(REFUSALS[one].status == int(status) for one in told), name
            for content in response.get("content", {}).values():
                assert content["schema"], name
    history = operations(document)["GET /v1/rooms/{room}/messages"]
    assert [one["name"] for one in history["parameters"]] == ["room", "epoch", "seq", "limit"]
    assert "503" in operations(document)["GET /readyz"]["responses"]


async def test_what_is_answered_is_as_described(document: Any) -> None:
    """One answer of each kind that has a body, against its schema."""
    service = Service()
    admin = service.token("root", Role.ADMIN)
    bodies: dict[str, Any] = {
        "POST /v1/tokens": {"uid": "a"},
        "POST /v1/admin/edges/{edge}/drain": {"seconds": 5, "last": True},
        "POST /v1/rooms/{room}/messages": {"kind": "comment", "text": "x", "cid": "c"},
        "POST /v1/rooms/{room}/polls": {"question": "Which?", "options": ["a", "b"], "cid": "c"},
        "POST /v1/rooms/{room}/polls/{poll}/votes": {"option": 0},
        "PUT /v1/admin/settings": {"settings": {"slow_s": 1}},
        "PATCH /v1/admin/config": {"values": {"policy.slow_s": 3, "edge.cors": ["https://a.example"]}},
        "POST /v1/admin/config/rollback": {"version": 1},
        "PUT /v1/admin/rooms/{room}/moderators/{uid}": {"reason": "helps"},
        "PATCH /v1/admin/rooms/{room}/settings": {"slow_s": 1},
        "POST /v1/admin/rooms/{room}/held/{held}": {"decision": "deny"},
        "POST /v1/admin/rooms/{room}/raid": {"seconds": 60},
        "PUT /v1/admin/rooms/{room}/words": {"refuse": ["bad"]},
        "POST /v1/admin/rooms/{room}/words/test": {"text": "bad"},
        "PUT /v1/admin/words": {"mask": ["bad"]},
        "POST /v1/broadcast": {"kind": "announce", "text": "x", "cid": "c"},
        "POST /v1/chat/messages": {"to": "bob", "body": [{"type": "text", "text": "x"}], "cid": "c"},
        "PUT /v1/chat/conversations/{conv}/read": {"seq": 3},
        "POST /v1/chat/blocks": {"uid": "eve"},
        "POST /v1/groups": {"name": "Team"},
        "PATCH /v1/groups/{gid}": {"muted": True},
        "POST /v1/groups/{gid}/mutes": {"uid": "bob"},
    }
    pair = (await service.call("POST", "/v1/tokens", {"uid": "a"}, admin)).json
    bodies["POST /v1/tokens/refresh"] = {"refresh_token": pair["refresh_token"]}
    for name, operation in operations(document).items():
        if name in ("GET /metrics", "GET /v1/ws"):
            continue
        method, path = name.split(" ")
        body = bodies.get(name, {"uid": "u"} if "/admin/" in path else {})
        answer = await service.call(method, path.format(**PARTS), body, admin)
        assert answer.status == 200, (name, answer.body)
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        check(document, schema, answer.json)
    refused = (await service.call("GET", "/v1/rooms?limit=0")).json
    schema = document["components"]["responses"]["Refusal"]["content"]["application/json"]["schema"]
    check(document, schema, refused)


async def test_it_tells_all_refusals(document: Any) -> None:
    assert {one["error"] for one in document["x-refusals"]} == set(REFUSALS)
    assert "Traceback" not in json.dumps(document)


async def test_it_tells_by_which_refusals_each_call_may_be_refused(document: Any) -> None:
    told = {
        name: {
            status: response["description"]
            for status, response in operation["responses"].items()
            if "$ref" in response
        }
        for name, operation in operations(document).items()
    }
    everywhere = {"413": "too_large", "500": "internal", "503": "unavailable", "504": "timeout"}
    assert told["GET /healthz"] == everywhere
    assert told["GET /v1/rooms/{room}"] == {
        **everywhere, "400": "bad_id", "404": "room_not_found", "429": "rate_limited",
    }  # fmt: skip
    assert told["PUT /v1/rooms/{room}"]["401"] == "unauthorized"
    assert told["PUT /v1/rooms/{room}"]["403"] == "forbidden, banned"
    assert "503" not in told["GET /readyz"], "there it is no refusal alone"


async def test_a_body_is_needed_where_nothing_cannot_stand_for_it(document: Any) -> None:
    known = operations(document)
    assert known["POST /v1/tokens"]["requestBody"]["required"]
    assert not known["PUT /v1/rooms/{room}"]["requestBody"]["required"]


async def test_bounds_of_settings_are_told(document: Any) -> None:
    bounds = document["components"]["schemas"]["Settings"]["properties"]["slow_s"]["anyOf"][0]
    assert (bounds["minimum"], bounds["maximum"]) == SETTING_BOUNDS["slow_s"]
