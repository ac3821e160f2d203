"""Who follows what happens in a room, and is dismissed meanwhile."""

from __future__ import annotations

import asyncio

import pytest

from danmaku.moderation_rows import Signs, SignsRow
from danmaku.records import Acts, ActsRequest
from tests.unit.api_service import Service
from tests.waiting import until

ROOM = "/v1/admin/rooms/r"


@pytest.mark.parametrize("path", ["audit", "held", "signs"])
async def test_who_is_dismissed_waits_no_longer(path: str) -> None:
    service = Service()
    service.rooms.appointed.add("ann")
    service.rooms.answers[SignsRow] = Signs([])
    service.rooms.records[ActsRequest] = [Acts([])]
    waiting = asyncio.create_task(service.call("GET", f"{ROOM}/{path}?wait_s=25", token=service.token("ann")))
    await until(lambda: service.rooms.rows or service.rooms.asked_for)
    service.rooms.appointed.clear()
    assert (await waiting).refusal == (403, "forbidden")


@pytest.mark.parametrize("path", ["audit", "held", "signs"])
async def test_who_comes_when_as_many_wait_as_may_is_answered_at_once(
    monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr("edge.api.waiting._WAITING", 0)
    service = Service()
    service.rooms.appointed.add("ann")
    service.rooms.answers[SignsRow] = Signs([])
    async with asyncio.timeout(15):  # sooner than who waits is answered
        answer = await service.call("GET", f"{ROOM}/{path}?wait_s=25", token=service.token("ann"))
    assert answer.status == 200
