"""What is said to all open rooms: once to each, bounded, and finished by who stops."""

from __future__ import annotations

import asyncio

from structlog.testing import capture_logs

from config.settings import Policy
from danmaku import envelope, wire
from danmaku.envelope import BroadcastReply, BroadcastRequest, OutKind
from danmaku.model import Role
from danmaku.rows import EventRow, PutRoomRow, Room, Shown
from danmaku.subjects import PARTITIONS
from tests.contract.rooms_service import PATIENCE_MS, Running, Service, send, the
from tests.waiting import until

ANNOUNCEMENT = wire.encode_item(wire.Announce("all hands"))
GIFT = wire.encode_item(wire.Gift("boss", "Boss", "rocket"))


def all_hands(cid: str) -> BroadcastRequest:
    return BroadcastRequest(PATIENCE_MS, "root", cid, ANNOUNCEMENT)


async def broadcast(live: Service, process: Running, cid: str = "b1") -> BroadcastReply:
    reply = await live.query(live.subjects.owner(process.name), all_hands(cid))
    return envelope.decode_broadcast_reply(reply)


async def test_a_broadcast_reaches_every_open_room_once(live: Service) -> None:
    process = await live.sole_owner()
    rooms = ["a", "b", "c"]
    watchings = [await live.watch(room) for room in rooms]
    for room in rooms:
        the(Room, await live.ask(PutRoomRow(room, "boss", Role.STREAMER)))
    the(Room, await live.ask(PutRoomRow("c", "boss", Role.STREAMER, open=False)))
    for _ in range(2):
        assert (await broadcast(live, process)).rooms == 2
    for watching in watchings[:2]:
        await watching.until(1, OutKind.BATCH)
    the(Shown, await live.ask(send("a", "u1", "end", "c1")))
    await watchings[0].until(2, OutKind.BATCH)
    assert watchings[0].texts == ["all hands", "end"]
    assert watchings[2].kinds == ["closed"]


async def test_a_broadcast_finds_rooms_that_are_not_in_memory_and_waits_where_there_is_too_much(
    live: Service,
) -> None:
    first = await live.sole_owner()
    for room in ("a", "b"):
        the(Room, await live.ask(PutRoomRow(room, "boss", Role.STREAMER)))
    the(Room, await live.ask(PutRoomRow("b", "boss", Role.STREAMER, open=False)))
    await first.end()
    second = await live.sole_owner(policy=Policy(display_high_per_s=1))
    watching = await live.watch("a")
    name = second.name
    the(Shown, await live.ask(EventRow("a", "boss", Role.STREAMER, "g1", GIFT)))
    gift = EventRow("a", "boss", Role.STREAMER, "g2", GIFT)
    waiting = asyncio.create_task(live.request(name, gift))
    await until(lambda: second.is_busy("a"))
    assert (await broadcast(live, second)).rooms == 2
    the(Shown, (await waiting)[0])
    await until(lambda: watching.kinds == ["gift", "gift", "announce"])


async def test_too_many_broadcasts_at_one_time_are_told_so(live: Service) -> None:
    process = await live.sole_owner()
    rooms = [f"r{number}" for number in range(100)]
    for room in rooms:
        the(Room, await live.ask(PutRoomRow(room, "boss", Role.STREAMER)))
    replies = await asyncio.gather(*(broadcast(live, process, f"b{number}") for number in range(6)))
    assert sorted((one.rooms, one.busy) for one in replies) == [(0, True)] * 2 + [(len(rooms), False)] * 4


async def test_a_process_that_stops_finishes_its_broadcasts_and_takes_no_more(live: Service) -> None:
    process = await live.sole_owner()
    rooms = [f"r{number}" for number in range(30)]
    for room in rooms:
        the(Room, await live.ask(PutRoomRow(room, "boss", Role.STREAMER)))
    assert (await broadcast(live, process)).rooms == len(rooms)
    ending = asyncio.create_task(process.end())
    await until(lambda: process.stop.is_set())
    await asyncio.sleep(0)
    assert await live.query(live.subjects.owner(process.name), all_hands("b2")) == b""
    await ending
    store = await live.open_store()
    assert [(await store.history.head(room)).seq for room in rooms] == [1] * len(rooms)


async def test_a_broadcast_that_does_not_reach_all_rooms_says_so(live: Service) -> None:
    process = await live.sole_owner()
    rooms = [f"r{number}" for number in range(30)]
    for room in rooms:
        the(Room, await live.ask(PutRoomRow(room, "boss", Role.STREAMER)))
    await broadcast(live, process)
    process.rooms.drop_partitions(range(PARTITIONS))
    process.rooms.retire(range(PARTITIONS))
    with capture_logs() as logs:
        await process.end()
    assert "a broadcast did not reach all rooms" in [line["event"] for line in logs]
