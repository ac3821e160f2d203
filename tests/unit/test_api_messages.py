from __future__ import annotations

from typing import Any

import msgspec
import pytest

from danmaku import wire
from danmaku.auth import Authority
from danmaku.envelope import HistoryReply
from danmaku.errors import BANNED, ROOM_NOT_FOUND, Refusal
from danmaku.model import Position, Role
from danmaku.rows import Delayed, Done, EventRow, GetRoomRow, JoinRow, SendRow, Shadowed, Shed
from tests.unit.api_service import SECRET, Answered, Service

PATH = "/v1/rooms/r/messages"
COMMENT = {"kind": "comment", "text": "弹幕", "cid": "c1"}
ANNOUNCEMENT = {"kind": "announce", "text": "Welcome", "cid": "c1"}
GIFT = {"kind": "gift", "gift": "rocket", "cid": "c1"}


async def posted(service: Service, body: dict[str, Any], role: Role = Role.STREAMER) -> Answered:
    return await service.call("POST", PATH, body, service.token("ann", r=role))


def item(service: Service) -> Any:
    row = service.rooms.rows[-1]
    assert isinstance(row, EventRow)
    assert (row.room, row.uid, row.cid) == ("r", "ann", "c1")
    return msgspec.msgpack.decode(row.item)


async def test_a_comment_is_sent_as_its_sender() -> None:
    service = Service()
    answer = await posted(service, COMMENT, Role.MODERATOR)
    assert answer.json == {"shown": True, "epoch": 7, "seq": 3, "at": 1234}
    assert service.rooms.rows == [SendRow("r", "ann", "Ann", Role.MODERATOR, "弹幕", "c1")]
    await posted(service, {**COMMENT, "mode": "top", "color": 255, "size": 18}, Role.VIEWER)
    assert service.rooms.rows[-1] == SendRow("r", "ann", "Ann", Role.VIEWER, "弹幕", "c1", "top", 255, 18)


async def test_a_comment_that_only_its_sender_sees() -> None:
    service = Service()
    service.rooms.answers[SendRow] = Shadowed(77)
    assert (await posted(service, COMMENT)).json == {"shown": True, "at": 77}


async def test_a_comment_that_was_left_out_or_delayed() -> None:
    service = Service()
    service.rooms.answers[SendRow] = Shed()
    assert (await posted(service, COMMENT)).json == {"shown": False}
    service.rooms.answers[SendRow] = Delayed(3000)
    assert (await posted(service, COMMENT)).json == {"shown": False, "delay_ms": 3000}
    service.rooms.answers[SendRow] = Done()
    assert (await posted(service, COMMENT)).refusal == (500, "internal")


@pytest.mark.parametrize("role", [Role.MODERATOR, Role.STREAMER, Role.ADMIN])
async def test_staff_post_events(role: Role) -> None:
    service = Service()
    assert (await posted(service, ANNOUNCEMENT, role)).json == {
        "shown": True, "epoch": 7, "seq": 4, "at": 1235,
    }  # fmt: skip
    assert item(service) == {
        "k": "announce",
        "text": "Welcome",
        "uid": "ann",
        "name": "Ann",
        "role": role.label,
    }
    await posted(service, GIFT, role)
    assert item(service) == {"k": "gift", "uid": "ann", "name": "Ann", "gift": "rocket"}
    await posted(service, {**GIFT, "count": 3, "text": "for you", "uid": "bob", "name": "Bob"}, role)
    assert item(service) == {
        "k": "gift", "uid": "bob", "name": "Bob", "gift": "rocket", "count": 3, "text": "for you",
    }  # fmt: skip
    await posted(service, {**GIFT, "uid": "bob"}, role)
    assert item(service)["name"] == "bob"


async def test_a_gift_may_have_an_amount() -> None:
    service = Service()
    paid = {**GIFT, "uid": "bob", "amount": 500, "currency": "CNY"}
    assert (await posted(service, paid)).json["seq"] == 4
    assert item(service) == {
        "k": "gift", "uid": "bob", "name": "bob", "gift": "rocket", "amount": 500, "currency": "CNY",
    }  # fmt: skip
    service.rooms.answers[EventRow] = Done()
    assert (await posted(service, {**paid, "ask": True})).json == {"shown": False}
    [_, asked] = service.rooms.rows
    assert isinstance(asked, EventRow)
    assert asked.ask


async def test_nobody_else_posts_events() -> None:
    service = Service()
    for body in (ANNOUNCEMENT, GIFT):
        assert (await posted(service, body, Role.VIEWER)).refusal == (403, "forbidden")
    assert (await service.call("POST", PATH, COMMENT)).refusal == (401, "unauthorized")
    assert service.rooms.rows == []


async def test_an_event_is_one_clean_line() -> None:
    service = Service()
    await posted(service, {**ANNOUNCEMENT, "text": "  a\r\n\tb\x00\u202ec\u2028d 👩\u200d💻 "})
    assert item(service)["text"] == "a bc d 👩\u200d💻"


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({**COMMENT, "cid": "c 1"}, "bad_id"),
        ({**COMMENT, "text": "x" * 10_001}, "too_long"),
        ({**COMMENT, "mode": "sideways"}, "bad_frame"),
        ({**COMMENT, "gift": "rocket"}, "bad_frame"),
        ({**ANNOUNCEMENT, "cid": ""}, "bad_id"),
        ({**ANNOUNCEMENT, "text": " \x00\n"}, "empty"),
        ({**ANNOUNCEMENT, "text": "x" * 1001}, "too_long"),
        ({**GIFT, "gift": ""}, "empty"),
        ({**GIFT, "gift": "x" * 65}, "too_long"),
        ({**GIFT, "uid": "b b"}, "bad_id"),
        ({**GIFT, "uid": ""}, "bad_id"),
        ({**GIFT, "name": "x" * 65}, "too_long"),
        ({**GIFT, "count": 0}, "bad_frame"),
        ({**GIFT, "amount": 500}, "bad_frame"),
        ({**GIFT, "currency": "CNY"}, "bad_frame"),
        ({**GIFT, "amount": 0, "currency": "CNY"}, "bad_frame"),
        ({**GIFT, "amount": 500, "currency": "yuan"}, "bad_frame"),
        ({**GIFT, "text": "x" * 1001}, "too_long"),
    ],
)
async def test_what_cannot_be_posted(body: dict[str, Any], refusal: str) -> None:
    service = Service()
    assert (await posted(service, body)).refusal == (400, refusal)
    assert service.rooms.rows == []


# History.


def frame(first: Position, *texts: str, prev: Position | None = None) -> bytes:
    items = [wire.encode_item(wire.Comment("ann", "Ann", text)) for text in texts]
    return wire.encode_batch("r", first, 99, items, prev)


async def test_history_is_told_as_it_was_shown() -> None:
    service = Service()
    frames = [frame(Position(6, 1), "一", "two"), frame(Position(7, 1), "three", prev=Position(6, 2))]
    service.rooms.history_reply = HistoryReply(frames, False, 7, 4)
    answer = await service.call("GET", PATH)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    comments = [{"k": "c", "uid": "ann", "name": "Ann", "text": text} for text in ("一", "two", "three")]
    assert answer.json == {
        "room": "r", "epoch": 7, "seq": 4, "complete": False,
        "history": [
            {"t": "batch", "room": "r", "epoch": 6, "seq": 1, "at": 99, "items": comments[:2]},
            {
                "t": "batch", "room": "r", "epoch": 7, "seq": 1, "at": 99, "items": comments[2:],
                "prev": {"epoch": 6, "seq": 2},
            },
        ],
    }  # fmt: skip


async def test_history_from_a_position_on() -> None:
    service = Service()
    await service.call("GET", PATH)
    await service.call("GET", PATH + "?epoch=7&seq=2&limit=9")
    await service.call("GET", PATH + "?epoch=0&seq=0")
    assert service.rooms.asked_for == [
        ("r", None, 50), ("r", Position(7, 2), 9), ("r", Position(0, 0), 50),
    ]  # fmt: skip


@pytest.mark.parametrize("query", ["epoch=7", "seq=2", "epoch=x&seq=2", "limit=0", "epoch=7&seq=-1"])
async def test_a_position_that_is_none(query: str) -> None:
    service = Service()
    assert (await service.call("GET", f"{PATH}?{query}")).refusal == (400, "bad_frame")


async def test_history_is_for_whoever_may_join() -> None:
    service = Service()
    await service.call("GET", PATH, token=service.token("ann", r=Role.MODERATOR))
    assert service.rooms.rows == [GetRoomRow("r"), JoinRow("r", "ann", Role.MODERATOR)]
    await service.call("GET", PATH)
    guest = service.rooms.rows[-1]
    assert isinstance(guest, JoinRow)
    assert (guest.uid.startswith("g-"), guest.role) == (True, Role.GUEST)
    service.rooms.answers[JoinRow] = Refusal(BANNED)
    assert (await service.call("GET", PATH, token=service.token())).refusal == (403, "banned")
    assert len(service.rooms.asked_for) == 2


async def test_reading_makes_no_room() -> None:
    service = Service()
    service.rooms.answers[GetRoomRow] = Refusal(ROOM_NOT_FOUND)
    assert (await service.call("GET", PATH)).refusal == (404, "room_not_found")
    assert service.rooms.rows == [GetRoomRow("r")]


async def test_history_is_not_for_guests_where_there_are_none() -> None:
    service = Service(Authority(secret=SECRET, guests=False))
    assert (await service.call("GET", PATH)).refusal == (401, "unauthorized")
    assert (await service.call("GET", PATH, token=service.token())).status == 200


# Broadcast.


@pytest.mark.parametrize("body", [ANNOUNCEMENT, GIFT])
async def test_a_broadcast_goes_to_all_rooms(body: dict[str, Any]) -> None:
    service = Service()
    answer = await service.call("POST", "/v1/broadcast", body, service.token("root", Role.ADMIN))
    assert (answer.status, answer.json) == (200, {"rooms": 12})
    [asked] = service.rooms.asked_for
    uid, cid, shown = asked
    assert (uid, cid, shown["k"], shown["uid"]) == ("root", "c1", body["kind"], "root")


async def test_who_and_what_is_not_broadcast() -> None:
    service = Service()
    streamer, admin = service.token("ann", Role.STREAMER), service.token("root", Role.ADMIN)
    assert (await service.call("POST", "/v1/broadcast", ANNOUNCEMENT, streamer)).status == 403
    for body, refusal in (
        (COMMENT, "bad_frame"), ({**GIFT, "cid": "!"}, "bad_id"), ({**ANNOUNCEMENT, "text": ""}, "empty"),
        ({**GIFT, "ask": True}, "bad_frame"),
    ):  # fmt: skip
        assert (await service.call("POST", "/v1/broadcast", body, admin)).refusal == (400, refusal)
    assert service.rooms.asked_for == []
