from __future__ import annotations

import asyncio

import pytest

from danmaku.model import Role
from danmaku.moderation_rows import Sign, Signs, SignsRow
from danmaku.rows import Done
from tests.unit.api_service import Service
from tests.waiting import until

PATH = "/v1/admin/rooms/r/signs"
SEEN = {"at": 1000, "kind": "same_text", "count": 10, "sample": "spam", "since": 900}


async def test_what_is_there_is_told_at_once() -> None:
    service = Service()
    mod = service.token("mod", r=Role.MODERATOR)
    answer = await service.call("GET", f"{PATH}?after=5&wait_s=25", token=mod)
    assert (answer.status, answer.json) == (200, {"room": "r", "signs": [SEEN]})
    assert service.rooms.rows == [SignsRow("r", "mod", Role.MODERATOR, 5)]


async def test_where_there_is_none_it_is_waited_for() -> None:
    service = Service()
    mod = service.token("mod", r=Role.MODERATOR)
    service.rooms.answers[SignsRow] = Signs([])
    assert (await service.call("GET", PATH, token=mod)).json == {"room": "r", "signs": []}
    asking = asyncio.create_task(service.call("GET", f"{PATH}?wait_s=25", token=mod))
    await until(lambda: len(service.rooms.rows) == 2)
    service.rooms.answers[SignsRow] = Signs([Sign(1000, "same_text", 10, "spam", 900)])
    assert (await asking).json == {"room": "r", "signs": [SEEN]}


@pytest.mark.parametrize("query", ["wait_s=26", "after=-1", "after=x"])
async def test_a_query_out_of_bounds_is_refused(query: str) -> None:
    service = Service()
    answer = await service.call("GET", f"{PATH}?{query}", token=service.token("mod", r=Role.MODERATOR))
    assert answer.refusal == (400, "bad_frame")


async def test_an_answer_that_is_none() -> None:
    service = Service()
    service.rooms.answers[SignsRow] = Done()
    answer = await service.call("GET", PATH, token=service.token("mod", r=Role.MODERATOR))
    assert answer.refusal == (500, "internal")
