from __future__ import annotations

import asyncio

import pytest

from danmaku.model import Act, Role
from danmaku.records import Acts, ActsRequest
from edge.api.audit import AuditCalls, AuditPage
from edge.api.routing import Call
from edge.uws import Request
from tests.unit.api_service import ScriptedRooms, Service

BASE = "/v1/admin/rooms/r/audit"
ACT = Act("id", 5, "mod", Role.MODERATOR, "mute", "r", "bob", "", "spam", 60)
TOLD = {
    "at": 5, "by": "mod", "role": "moderator", "verb": "mute", "room": "r", "uid": "bob", "what": "",
    "reason": "spam", "seconds": 60,
}  # fmt: skip


def recorded(*places: str) -> Acts:
    return Acts([(place, ACT) for place in places])


async def test_the_newest_and_how_to_go_on() -> None:
    service = Service()
    mod = service.token("mod", r=Role.MODERATOR)
    service.rooms.records[ActsRequest] = [recorded("7-0", "8-0")]
    answer = await service.call("GET", BASE, token=mod)
    assert answer.json == {"entries": [TOLD, TOLD], "after": "8-0", "before": "7-0"}
    assert service.rooms.asked_for[-1] == ActsRequest(0, "r", 50)
    answer = await service.call("GET", f"{BASE}?limit=2&before=9-0", token=mod)
    assert (answer.json["after"], answer.json["before"]) == ("8-0", "7-0")
    assert service.rooms.asked_for[-1] == ActsRequest(0, "r", 2, None, "9-0")
    answer = await service.call("GET", f"{BASE}?after=6-0", token=mod)
    assert answer.json["before"] == "7-0"
    assert service.rooms.asked_for[-1] == ActsRequest(0, "r", 50, "6-0")


async def test_what_nobody_did_is_told_so() -> None:
    service = Service()
    service.rooms.records[ActsRequest] = [
        Acts([("7-0", Act("id", 5, "", Role.GUEST, "unraid", "r"))]),
    ]
    answer = await service.call("GET", BASE, token=service.token("mod", r=Role.MODERATOR))
    [entry] = answer.json["entries"]
    assert (entry["verb"], entry["by"], entry["role"]) == ("unraid", "", "")


@pytest.mark.parametrize(
    ("query", "after"),
    [("", "0-0"), ("?after=5-1", "5-1"), ("?before=5-1", "5-1"), ("?before=5-1&wait_s=9", "5-1")],
)
async def test_where_there_is_nothing_the_place_stays(query: str, after: str) -> None:
    service = Service()
    answer = await service.call("GET", BASE + query, token=service.token("mod", r=Role.MODERATOR))
    assert answer.json == {"entries": [], "after": after, "before": None}


async def test_admins_read_what_was_done_for_all_rooms() -> None:
    service = Service()
    await service.call("GET", "/v1/admin/audit", token=service.token("root", Role.ADMIN))
    assert service.rooms.asked_for[-1] == ActsRequest(0, "", 50)


@pytest.mark.parametrize(
    "query", ["after=x", "after=1-", "before=-1", "after=1-0&before=2-0", "limit=0", "limit=201", "wait_s=26"]
)
async def test_what_cannot_be_meant(query: str) -> None:
    service = Service()
    answer = await service.call("GET", f"{BASE}?{query}", token=service.token("mod", r=Role.MODERATOR))
    assert answer.refusal == (400, "bad_frame")
    assert service.rooms.asked_for == []


def polled(rooms: ScriptedRooms, query: str) -> asyncio.Task[AuditPage]:
    calls = AuditCalls(rooms, poll_s=0.01)
    return asyncio.create_task(
        calls.show(Call(Request("GET", BASE, query, {}, "::1", b""), None, {"room": "r"}))
    )


async def test_whoever_waits_is_told_as_it_happens() -> None:
    rooms = ScriptedRooms()
    rooms.records[ActsRequest] = [Acts([]), Acts([]), recorded("9-0")]
    page = await polled(rooms, "after=8-0&wait_s=25")
    assert ([entry.verb for entry in page.entries], page.after) == (["mute"], "9-0")
    assert rooms.asked_for == [ActsRequest(0, "r", 50, "8-0")] * 3


async def test_nobody_waits_longer_than_they_asked_for() -> None:
    rooms = ScriptedRooms()
    page = await polled(rooms, "wait_s=1")
    assert page == AuditPage([], "0-0", None)
    assert rooms.asked_for[0] == ActsRequest(0, "r", 50)
    assert rooms.asked_for[-1] == ActsRequest(0, "r", 50, "0-0")


async def test_so_many_wait_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.api.waiting._WAITING", 0)
    rooms = ScriptedRooms()
    await polled(rooms, "after=8-0&wait_s=25")
    assert len(rooms.asked_for) == 1


async def test_a_service_lets_it_wait() -> None:
    service = Service(request_s=0.05)
    url = f"{BASE}?after=8-0&wait_s=1"
    answer = await service.call("GET", url, token=service.token("mod", r=Role.MODERATOR))
    assert (answer.status, answer.json["after"]) == (200, "8-0")
