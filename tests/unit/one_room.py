"""A room, what is said in it, and what comes of it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from config.settings import Policy, Rooms
from danmaku import wire
from danmaku.errors import Refusal
from danmaku.model import START, Effect, Position, Role, RoomInfo, RoomSettings, closed_for_good
from danmaku.rows import EventRow, SendRow
from rooms.batch import Batch
from rooms.moderation import Sanctions
from rooms.moment import Moment
from rooms.owed import Space
from rooms.room import Room

LOOSE = Policy(user_burst=10_000, user_count=10_000, repeat_s=0, display_per_s=10_000, display_high_per_s=0)
LIMITS = Rooms()
GIFT = wire.encode_item(wire.Gift("boss", "Boss", "rocket"))
NOW = Moment(1000.0, 5_000_000)


def never(_: str) -> bool:
    return False


def make(
    policy: Policy = LOOSE,
    limits: Rooms = LIMITS,
    *,
    lease: int = 7,
    head: Position = START,
    space: int = 100,
    info: RoomInfo = RoomInfo("a"),  # noqa: B008  it is frozen
    saved: bool = True,
) -> Room[str]:
    waiting = Space(Rooms(queue_items=space))
    return Room(info, lease, head, Sanctions(), waiting, limits, policy, never, saved=saved)


def send(text: str = "hi", cid: str = "c1", uid: str = "u1", role: Role = Role.VIEWER) -> SendRow:
    return SendRow("a", uid, uid, role, text, cid)


def event(cid: str = "g1", role: Role = Role.STREAMER, item: bytes = GIFT) -> EventRow:
    return EventRow("a", "boss", role, cid, item)


def later(seconds: float) -> Moment:
    return Moment(NOW.s + seconds, NOW.ms + round(seconds * 1000))


def save(**info: Any) -> Effect:
    return Effect("save", RoomInfo("a", **info))


DELETE = Effect("delete", closed_for_good("a"))


def items(batch: Batch | None) -> list[Any]:
    assert batch is not None
    frame = msgspec.msgpack.decode(batch.frame, type=wire.Batch)
    return [msgspec.msgpack.decode(item) for item in frame.items]


def refused(call: Any, *words: Any) -> str:
    with pytest.raises(Refusal) as caught:
        call(*words)
    return caught.value.name


def delayed(delay_s: int = 3, **more: Any) -> Room[str]:
    return make(info=RoomInfo("a", created_ms=1, settings=RoomSettings(delay_s=delay_s)), **more)


def texts(batch: Batch | None) -> list[str]:
    return [item.get("text", item["k"]) for item in items(batch)]
