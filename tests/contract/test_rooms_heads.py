"""Owners tell where rooms stand: to edges that report viewers, and after the bus was away; replies fit."""

from __future__ import annotations

import asyncio

import pytest

from config.settings import Nats
from danmaku import envelope
from danmaku.bus import BusTimeout
from danmaku.envelope import (
    MAX_MESSAGE_BYTES,
    BroadcastRequest,
    Counts,
    HistoryRequest,
    OutKind,
    RoomsReply,
    RoomsRequest,
    UsersRequest,
)
from danmaku.memory import MemoryBus
from danmaku.model import Role, RoomInfo, RoomSettings
from danmaku.rows import Admitted, Done, JoinRow, LikeRow, RevokeRow, Room, Shown
from danmaku.subjects import PARTITIONS
from edge.outbox import Bounds
from rooms import presence
from rooms.listing import MAX_LISTED
from rooms.presence import Presence
from tests.contract.conftest import Servers
from tests.contract.rooms_service import LONG, Service, send
from tests.waiting import until

# The longest names, titles and numbers that a room can have.
LARGEST = RoomInfo(
    "r" * 64, "🎉" * 200, False, RoomSettings(3600, 10_000, True, True, 10_000, 3600), 2**40, 2**53, 2**53
)

EPOCHS = dict.fromkeys(range(PARTITIONS), 2**53)


@pytest.fixture
def servers() -> Servers:
    return "memory", Nats(), None


async def say(live: Service, room: str) -> Shown:
    answer = await live.ask(send(room, "u1", "hi", f"c-{room}"))
    assert isinstance(answer, Shown)
    return answer


async def test_counts_are_answered_with_heads(live: Service) -> None:
    process = await live.sole_owner()
    a, b = await say(live, "a"), await say(live, "b")
    counts = Counts("e1", 1, {"a": 3, "b": 1, "not-in-memory": 0})
    subject = live.subjects.counts(process.name)
    heads = envelope.decode_heads(await live.query(subject, counts)).rooms
    assert heads == {"a": (a.epoch, a.seq), "b": (b.epoch, b.seq)}
    await live.bus.publish(subject, envelope.encode(counts))  # nobody waits for an answer


async def test_after_an_outage_of_the_bus_heads_are_told_at_once(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "INTERVAL_S", 3600)
    monkeypatch.setattr(Presence, "_is_counted", lambda *_: True)
    process = await live.sole_owner(rooms=LONG)
    shown = await say(live, "a")
    subject = live.subjects.counts(process.name)
    await live.query(subject, Counts("e1", 1, {"a": 3}))
    watching = await live.watch("a")
    assert isinstance(live.bus, MemoryBus)
    live.bus.connected = False
    live.bus.connected = True
    await watching.until(1, OutKind.STATS)
    (stats,) = watching.frames(OutKind.STATS)
    assert (stats["seq"], stats["viewers"]) == (shown.seq, 3)


async def test_likes_that_are_asked_again_count_once(live: Service) -> None:
    await live.sole_owner()
    for row in (
        LikeRow("a", "u1", Role.VIEWER, 5, 77),
        LikeRow("a", "u1", Role.VIEWER, 5, 77),
        LikeRow("a", "u1", Role.VIEWER, 5, 78),
        LikeRow("a", "u2", Role.VIEWER, 5, 77),
        LikeRow("a", "u1", Role.VIEWER, 1),
        LikeRow("a", "u1", Role.VIEWER, 1),
    ):
        assert isinstance(await live.ask(row), Done)
    admitted = await live.ask(JoinRow("a", "u1", Role.VIEWER))
    assert isinstance(admitted, Admitted)
    assert admitted.likes == 17


async def test_the_time_of_whoever_asks_bounds_the_work(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await live.open_store()
    process = await live.sole_owner(store=store)
    given_up: list[str] = []

    def hang(noun: object, verb: str) -> None:
        async def hanging(*_: object) -> None:
            try:
                await asyncio.sleep(3600)
            finally:
                given_up.append(verb)

        monkeypatch.setattr(noun, verb, hanging)

    hang(store.history, "latest")
    hang(store.rooms, "in_partition")
    hang(store.tokens, "revoke")
    own = live.subjects.owner(process.name)
    for subject, request in (
        (live.subjects.history, HistoryRequest("a", 10, 20)),
        (own, RoomsRequest(20, 10)),
        (own, BroadcastRequest(20, "root", "b1", b"\x80")),
    ):
        assert await live.query(subject, request) == b""
    users = envelope.encode(UsersRequest(20, [RevokeRow("u1")]))
    with pytest.raises(BusTimeout):  # its outcome is open, so there is no answer
        await live.bus.request(live.subjects.users, users, 0.2)
    await until(lambda: set(given_up) == {"latest", "in_partition", "revoke"})


def test_the_largest_replies_fit() -> None:
    rows = Bounds().rows_per_request
    rooms = envelope.OwnerReply("rooms-0123456789abcdef", [Room(LARGEST)] * rows, EPOCHS)
    assert len(envelope.encode(rooms)) <= MAX_MESSAGE_BYTES
    assert len(envelope.encode(RoomsReply([LARGEST] * MAX_LISTED))) <= MAX_MESSAGE_BYTES
