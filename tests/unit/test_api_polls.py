from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from danmaku.errors import BANNED, NO_SUCH_POLL, Refusal
from danmaku.event_rows import ClosePollRow, GetPollRow, PaidRow, PollRow, UnpinRow, VoteRow, poll_id
from danmaku.model import Role
from danmaku.rows import Done, EventRow, GetRoomRow, JoinRow
from tests.unit.api_service import POLLED, Service

POLLS = "/v1/rooms/r/polls"
POLL = {"question": "Which?", "options": ["one", "two"], "cid": "c1"}
STATE = {
    "poll": "p1",
    "question": "Which?",
    "options": ["one", "two"],
    "counts": [3, 0],
    "open": True,
    "until": 9000,
}
PAID = {
    "kind": "paid",
    "uid": "bob",
    "name": "Bob",
    "text": "hi",
    "amount": 500,
    "currency": "CNY",
    "cid": "c1",
}


async def test_staff_opens_a_poll() -> None:
    service = Service()
    token = service.token("ann", r=Role.MODERATOR)
    answer = await service.call("POST", POLLS, {**POLL, "seconds": 60}, token)
    assert answer.json == {"poll": poll_id("ann", "c1"), "epoch": 7, "seq": 7, "at": 1238}
    row = PollRow("r", "ann", Role.MODERATOR, "c1", "Which?", ["one", "two"], 60)
    assert service.rooms.rows == [row]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("POST", POLLS, POLL), ("DELETE", f"{POLLS}/p1", None),
     ("DELETE", "/v1/rooms/r/pinned", None), ("POST", "/v1/rooms/r/messages", PAID)],
)  # fmt: skip
async def test_only_staff_opens_and_closes_polls(method: str, path: str, body: Any) -> None:
    service = Service()
    answer = await service.call(method, path, body, service.token("ann", r=Role.VIEWER))
    assert answer.refusal == (403, "forbidden")
    assert service.rooms.rows == []


@pytest.mark.parametrize(
    "more",
    [
        {"options": ["one"]},
        {"options": ["a"] * 11},
        {"seconds": 0},
        {"seconds": 604_801},
        {"cid": 1},
    ],
)
async def test_what_is_no_poll(more: dict[str, Any]) -> None:
    service = Service()
    answer = await service.call("POST", POLLS, {**POLL, **more}, service.token("ann", r=Role.STREAMER))
    assert answer.refusal == (400, "bad_frame")


async def test_a_poll_is_read_and_closed() -> None:
    service = Service()
    token = service.token("ann", r=Role.STREAMER)
    assert (await service.call("GET", f"{POLLS}/p1")).json == STATE
    assert (await service.call("DELETE", f"{POLLS}/p1", None, token)).json == STATE
    close = ClosePollRow("r", "ann", Role.STREAMER, "p1")
    room, join, *asked = service.rooms.rows
    assert room == GetRoomRow("r")
    assert isinstance(join, JoinRow)
    assert asked == [GetPollRow("r", "p1"), close]
    assert (await service.call("GET", POLLS)).json == STATE
    assert service.rooms.rows[-1] == GetPollRow("r", "")
    service.rooms.answers[GetPollRow] = Refusal(NO_SUCH_POLL)
    assert (await service.call("GET", f"{POLLS}/p1")).refusal == (404, "no_such_poll")
    service.rooms.answers[GetPollRow] = service.rooms.answers[PollRow] = Done()
    assert (await service.call("GET", f"{POLLS}/p1")).refusal == (500, "internal")
    assert (await service.call("POST", POLLS, POLL, token)).refusal == (500, "internal")


async def test_who_is_logged_in_is_told_his_vote() -> None:
    service = Service()
    service.rooms.answers[GetPollRow] = replace(POLLED, voted=0)
    answer = await service.call("GET", f"{POLLS}/p1", None, service.token("bob"))
    assert answer.json == {**STATE, "voted": 0}
    assert service.rooms.rows[-1] == GetPollRow("r", "p1", "bob")
    assert (await service.call("GET", POLLS, None, service.token("bob"))).json == {**STATE, "voted": 0}
    assert service.rooms.rows[-1] == GetPollRow("r", "", "bob")


async def test_who_may_not_join_reads_no_poll() -> None:
    service = Service()
    service.rooms.answers[JoinRow] = Refusal(BANNED)
    answer = await service.call("GET", f"{POLLS}/p1", None, service.token("bob"))
    assert answer.refusal == (403, "banned")
    assert service.rooms.rows == [GetRoomRow("r"), JoinRow("r", "bob", Role.VIEWER)]


async def test_who_is_logged_in_votes() -> None:
    service = Service()
    path = f"{POLLS}/p1/votes"
    answer = await service.call("POST", path, {"option": 1}, service.token("bob"))
    assert answer.json == {"poll": "p1", "option": 1}
    assert service.rooms.rows == [VoteRow("r", "bob", Role.VIEWER, "p1", 1)]
    assert (await service.call("POST", path, {"option": 1})).refusal == (401, "unauthorized")
    assert (await service.call("POST", path, {"option": -1}, service.token("bob"))).refusal == (
        400,
        "bad_frame",
    )


async def test_an_announcement_is_pinned_and_taken_down() -> None:
    service = Service()
    token = service.token("ann", r=Role.MODERATOR)
    body = {"kind": "announce", "text": "hi", "cid": "c1", "pin_s": 60}
    await service.call("POST", "/v1/rooms/r/messages", body, token)
    pinned = service.rooms.rows[-1]
    assert isinstance(pinned, EventRow)
    assert pinned.pin_s == 60
    answer = await service.call("DELETE", "/v1/rooms/r/pinned", None, token)
    assert answer.json == {"epoch": 7, "seq": 6, "at": 1237}
    assert isinstance(service.rooms.rows[-1], UnpinRow)
    too_long = await service.call("POST", "/v1/rooms/r/messages", {**body, "pin_s": 86_401}, token)
    assert too_long.refusal == (400, "bad_frame")


async def test_a_shop_posts_what_was_paid_for() -> None:
    service = Service()
    token = service.token("shop", Role.ADMIN)
    answer = await service.call("POST", "/v1/rooms/r/messages", PAID, token)
    assert answer.json == {"shown": True, "epoch": 7, "seq": 5, "at": 1236}
    row = PaidRow("r", "shop", Role.ADMIN, "c1", "bob", "Bob", "hi", 500, "CNY")
    assert service.rooms.rows == [row]
    service.rooms.answers[PaidRow] = Done()
    asked = await service.call("POST", "/v1/rooms/r/messages", {**PAID, "ask": True}, token)
    assert asked.json == {"shown": False}
    assert service.rooms.rows[-1].ask is True  # type: ignore[union-attr]  # it is a PaidRow
