from __future__ import annotations

from danmaku import wire
from danmaku.envelope import HistoryReply
from danmaku.model import Appointed, Position, Role, Sanction
from danmaku.records import Card, CardRequest
from tests.unit.api_service import Service

PATH = "/v1/admin/rooms/r/users/bob"


def batch(seq: int, *items: wire.Item) -> bytes:
    encoded = [wire.encode_item(item) for item in items]
    return wire.encode_batch("r", Position(7, seq), 1000 + seq, encoded, None)


async def test_what_is_known_of_a_user() -> None:
    service = Service()
    ban, mute = Sanction("ban", "bob", "mod", 5, None, "spam"), Sanction("mute", "bob", "root", 6, 70)
    service.rooms.records[CardRequest] = [Card(Appointed("bob", "ann", 3), [ban], [mute], 4)]
    other = wire.Comment("eve", "Eve", "not his")
    frames = [
        batch(1, wire.Comment("bob", "Bob", "one"), other, wire.Gift("bob", "Bob", "rocket")),
        batch(4, other, wire.Comment("bob", "Bobby", "two")),
    ]
    service.rooms.history_reply = HistoryReply(frames, True, 7, 5)
    answer = await service.call("GET", PATH, token=service.token("mod", r=Role.MODERATOR))
    assert answer.json == {
        "room": "r",
        "uid": "bob",
        "role": "moderator",
        "appointed_by": "ann",
        "sanctions": [
            {"kind": "ban", "uid": "bob", "by": "mod", "since": 5, "until": None, "reason": "spam"}
        ],
        "everywhere": [{"kind": "mute", "uid": "bob", "by": "root", "since": 6, "until": 70, "reason": ""}],
        "acts": 4,
        "comments": [
            {"epoch": 7, "seq": 1, "at": 1001, "name": "Bob", "text": "one"},
            {"epoch": 7, "seq": 5, "at": 1004, "name": "Bobby", "text": "two"},
        ],
    }
    assert service.rooms.asked_for == [CardRequest(0, "r", "bob"), ("r", None, 1000)]


async def test_of_a_stranger_nothing_is_known() -> None:
    service = Service()
    many = [wire.Comment("bob", "Bob", str(number)) for number in range(60)]
    service.rooms.history_reply = HistoryReply([batch(1, *many)], True, 7, 60)
    token = service.token("mod", r=Role.MODERATOR)
    card = (await service.call("GET", PATH, token=token)).json
    assert (card["role"], card["appointed_by"], card["sanctions"], card["acts"]) == (None, None, [], 0)
    assert [said["text"] for said in card["comments"]] == [str(number) for number in range(10, 60)]
    assert (await service.call("GET", "/v1/admin/rooms/r/users/b%20b", token=token)).refusal == (
        400,
        "bad_id",
    )
