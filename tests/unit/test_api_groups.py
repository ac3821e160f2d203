from __future__ import annotations

from typing import Any

import pytest

from danmaku import chat
from danmaku.conversation import (
    Appoint,
    Change,
    Create,
    Dissolve,
    HandOver,
    Invite,
    Join,
    Kick,
    Leave,
    Mute,
    MuteAll,
    Rename,
    Unmute,
    UnmuteAll,
)
from tests.unit.api_service import Service

TEAM = "/v1/groups/team"
TOLD = {
    "gid": "team",
    "conv": "g:team",
    "name": "Team",
    "last_seq": 9,
    "created_ms": 5,
    "muted": False,
    "dissolved": False,
    "members": [{"uid": "ann", "role": "owner", "since": 1}],
}


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.mark.parametrize(
    ("method", "path", "body", "change"),
    [
        ("POST", "/v1/groups", {"gid": "team", "name": "Team", "members": ["bob"]}, Create("Team", ["bob"])),
        ("PATCH", TEAM, {"name": "Club"}, Rename("Club")),
        ("PATCH", TEAM, {"muted": True}, MuteAll()),
        ("PATCH", TEAM, {"muted": False}, UnmuteAll()),
        ("DELETE", TEAM, None, Dissolve()),
        ("PUT", TEAM + "/members/ann", {}, Join()),
        ("PUT", TEAM + "/members/bob", {}, Invite(["bob"])),
        ("PUT", TEAM + "/members/bob", None, Invite(["bob"])),
        ("PUT", TEAM + "/members/bob", {"role": "admin"}, Appoint("bob", "admin")),
        ("PUT", TEAM + "/members/bob", {"role": "member"}, Appoint("bob", "member")),
        ("PUT", TEAM + "/members/bob", {"role": "owner"}, HandOver("bob")),
        ("DELETE", TEAM + "/members/ann", None, Leave()),
        ("DELETE", TEAM + "/members/bob", None, Kick("bob")),
        ("POST", TEAM + "/mutes", {"uid": "bob"}, Mute("bob")),
        ("POST", TEAM + "/mutes", {"uid": "bob", "seconds": 60}, Mute("bob", 60)),
        ("DELETE", TEAM + "/mutes/bob", None, Unmute("bob")),
    ],
)
async def test_each_change_is_asked_for(
    service: Service, method: str, path: str, body: Any, change: Change
) -> None:
    answer = await service.call(method, path + "?cid=c1", body, service.token())
    assert (answer.status, answer.json) == (200, TOLD)
    assert service.chat.rows == [chat.ChangeGroupRow("ann", "team", change, "c1")]


async def test_a_change_without_a_cid_gets_one(service: Service) -> None:
    for _ in range(2):
        await service.call("DELETE", TEAM, token=service.token())
    one, other = [row for row in service.chat.rows if isinstance(row, chat.ChangeGroupRow)]
    assert one.cid
    assert one.cid != other.cid


async def test_a_group_without_an_id_gets_one(service: Service) -> None:
    for _ in range(2):
        await service.call("POST", "/v1/groups", {"name": "Team"}, service.token())
    one, other = [row for row in service.chat.rows if isinstance(row, chat.ChangeGroupRow)]
    assert one.gid
    assert one.gid != other.gid
    assert one.change == Create("Team")


async def test_a_group_is_read(service: Service) -> None:
    assert (await service.call("GET", TEAM, token=service.token())).json == TOLD
    assert service.chat.rows == [chat.GroupRow("ann", "team")]


@pytest.mark.parametrize(
    ("method", "path", "body", "refusal"),
    [
        ("POST", "/v1/groups", {}, "bad_frame"),
        ("POST", "/v1/groups", {"name": ""}, "bad_frame"),
        ("POST", "/v1/groups", {"name": "  "}, "bad_frame"),
        ("POST", "/v1/groups", {"name": "n" * 65}, "bad_frame"),
        ("POST", "/v1/groups", {"name": "n", "gid": "no id"}, "bad_id"),
        ("POST", "/v1/groups", {"name": "n", "members": ["no id"]}, "bad_id"),
        ("POST", "/v1/groups", {"name": "n", "members": ["m"] * 101}, "bad_frame"),
        ("PATCH", TEAM, {}, "bad_frame"),
        ("PATCH", TEAM, {"name": "n", "muted": True}, "bad_frame"),
        ("PUT", TEAM + "/members/bob", {"role": "king"}, "bad_frame"),
        ("POST", TEAM + "/mutes", {"uid": "no id"}, "bad_id"),
        ("POST", TEAM + "/mutes", {"uid": "bob", "seconds": 0}, "bad_frame"),
        ("GET", "/v1/groups/no%20id", None, "bad_id"),
        ("DELETE", TEAM + "?cid=no%20id", None, "bad_id"),
    ],
)
async def test_what_makes_no_sense_is_refused_here(
    service: Service, method: str, path: str, body: Any, refusal: str
) -> None:
    assert (await service.call(method, path, body, service.token())).refusal == (400, refusal)
    assert service.chat.rows == []


async def test_refusals_are_passed_on(service: Service) -> None:
    service.chat.answers[chat.GroupRow] = chat.Refused("no_such_conversation")
    assert (await service.call("GET", TEAM, token=service.token())).refusal == (404, "no_such_conversation")
    assert (await service.call("GET", TEAM)).refusal == (401, "unauthorized")
