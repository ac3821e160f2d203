"""What is kept about a room besides its log."""

from __future__ import annotations

import asyncio

from config.settings import Store as StoreSettings
from danmaku.board import EMPTY, Board, Pin, Poll, Result
from danmaku.model import START, Effect, Position, RoomInfo, RoomSettings, closed_for_good
from danmaku.store import Store
from danmaku.store.history import Append, Entry, Slice
from danmaku.store.moderation import Sanction
from danmaku.subjects import partition_of
from tests.contract.stores import ROOM, opened, take

INFO = RoomInfo(ROOM, "今晚 the title", False, RoomSettings(slow_s=3, staff_only=True), created_ms=1234)


async def test_a_room_that_was_never_saved(store: Store) -> None:
    assert await store.rooms.load(ROOM) is None
    assert await store.rooms.in_partition(partition_of(ROOM)) == []


async def test_a_saved_room_is_loaded_and_listed(store: Store) -> None:
    lease = await take(store)
    assert await store.rooms.save("one", lease, INFO)
    assert await store.rooms.load(ROOM) == INFO
    assert await store.rooms.in_partition(partition_of(ROOM)) == [ROOM]


async def test_saving_again_replaces_all_but_the_likes(store: Store) -> None:
    lease = await take(store)
    await store.rooms.save("one", lease, INFO)
    await store.rooms.add_likes("one", lease, {ROOM: 7})
    plain = RoomInfo(ROOM, created_ms=1, likes=999, viewers=5)
    assert await store.rooms.save("one", lease, plain)
    assert await store.rooms.load(ROOM) == RoomInfo(ROOM, created_ms=1, likes=7)


async def test_likes_add_up(store: Store) -> None:
    lease = await take(store)
    await store.rooms.save("one", lease, INFO)
    assert await store.rooms.add_likes("one", lease, {ROOM: 3}) == {ROOM: 3}
    assert await store.rooms.add_likes("one", lease, {ROOM: 4}) == {ROOM: 7}
    assert await store.rooms.add_likes("one", lease, {}) == {}


async def test_likes_of_a_lost_room_are_left_out(store: Store) -> None:
    lease = await take(store)
    assert partition_of("stage") != partition_of(ROOM)
    assert await store.rooms.add_likes("one", lease, {ROOM: 3, "stage": 1}) == {ROOM: 3}


async def test_who_lost_the_lease_writes_nothing(store: Store) -> None:
    lease = await take(store)
    await store.rooms.save("one", lease, INFO)
    for process, epoch in (("one", lease - 1), ("two", lease)):
        assert not await store.rooms.save(process, epoch, RoomInfo(ROOM, "other", created_ms=9))
        assert not await store.rooms.delete(process, epoch, ROOM)
        assert await store.rooms.add_likes(process, epoch, {ROOM: 1}) == {}
    assert await store.rooms.load(ROOM) == INFO


async def test_a_room_is_created_only_where_nothing_is_kept(store: Store) -> None:
    lease = await take(store)
    plain = RoomInfo(ROOM, created_ms=1)
    assert not await store.rooms.create("two", lease, INFO)
    assert await store.rooms.load(ROOM) is None
    for _ in range(2):
        assert await store.rooms.create("one", lease, INFO)
        assert await store.rooms.create("one", lease, plain)
        assert await store.rooms.load(ROOM) == INFO
    assert await store.rooms.in_partition(partition_of(ROOM)) == [ROOM]
    await store.rooms.delete("one", lease, ROOM)
    assert await store.rooms.create("one", lease, INFO)
    assert await store.rooms.load(ROOM) == closed_for_good(ROOM)
    assert await store.rooms.in_partition(partition_of(ROOM)) == []


async def test_a_deleted_room_stays_closed_with_its_sanctions_and_its_head(store: Store) -> None:
    lease = await take(store)
    await store.rooms.save("one", lease, INFO)
    await store.rooms.add_likes("one", lease, {ROOM: 3})
    ban = Sanction("ban", "u", "m", 1)
    await store.moderation.impose("one", lease, ROOM, ban)
    first, last = Position(lease, 1), Position(lease, 2)
    newest = Entry(last, 1, 1, b"")
    appends = [Append(ROOM, lease, START, Entry(first, 1, 1, b"")), Append(ROOM, lease, first, newest)]
    await store.history.append("one", appends)
    for _ in range(2):  # once more is fine
        assert await store.rooms.delete("one", lease, ROOM)
        assert await store.rooms.load(ROOM) == closed_for_good(ROOM)
        assert await store.rooms.in_partition(partition_of(ROOM)) == []
        assert await store.moderation.load(ROOM, 2) == [ban]
        assert await store.history.latest(ROOM, 9, 9) == Slice((newest,), True, last)
    assert await store.rooms.save("one", lease, INFO)
    assert await store.rooms.load(ROOM) == INFO
    assert await store.rooms.in_partition(partition_of(ROOM)) == [ROOM]


async def test_the_log_of_a_deleted_room_does_not_run_out(store_settings: StoreSettings | None) -> None:
    """A room that comes back under the same lease, however much later, goes on where it was."""
    async with opened(store_settings, history_s=3) as store:
        lease = await take(store)
        last = Position(lease, 1)
        await store.history.append("one", [Append(ROOM, lease, START, Entry(last, 1, 1, b""))])
        await store.rooms.delete("one", lease, ROOM)
        await asyncio.sleep(3.05)  # it would have run out by then
        assert await store.history.head(ROOM) == last


async def test_rooms_of_a_partition_are_listed_in_order(store: Store) -> None:
    partition = partition_of("r0")
    names = sorted(name for name in (f"r{i}" for i in range(400)) if partition_of(name) == partition)[:4]
    lease = await take(store, "r0")
    for name in reversed(names):
        await store.rooms.save("one", lease, RoomInfo(name, created_ms=1))
    assert len(names) == 4
    assert await store.rooms.in_partition(partition) == names


BOARD = Board(
    Pin(Position(3, 1), 5, 60_005, b"\x80"),
    (Pin(Position(3, 2), 5, 60_005, b"\x81", (60, 500)),),
    Poll("p2", "今晚?", ("是", "否"), 9000),
    Result(Poll("p1", "Which?", ("one", "two")), (3, 0)),
)


def appended(lease: int, seq: int, board: Board | None, effect: Effect | None = None) -> Append:
    entry = Entry(Position(lease, seq), 1, 5, f"frame {seq}".encode())
    expected = Position(lease, seq - 1) if seq > 1 else START
    return Append(ROOM, lease, expected, entry, effect, board=board)


async def test_the_board_is_kept_with_the_entry_that_tells_of_it(store: Store) -> None:
    lease = await take(store)
    assert await store.rooms.board(ROOM) == EMPTY
    create = Effect("create", INFO)
    await store.history.append("one", [appended(lease, 1, BOARD, create)])
    assert await store.rooms.board(ROOM) == BOARD
    assert await store.rooms.load(ROOM) == INFO
    await store.rooms.save("one", lease, INFO)
    await store.history.append("one", [appended(lease, 2, None)])
    assert await store.rooms.board(ROOM) == BOARD  # what does not speak of it leaves it alone
    await store.history.append("two", [appended(lease, 3, EMPTY)])
    await store.history.append("one", [appended(lease, 2, EMPTY)])  # that was there already
    await store.history.append("one", [appended(lease, 4, EMPTY)])  # that does not continue the log
    assert await store.rooms.board(ROOM) == BOARD
    await store.history.append("one", [appended(lease, 3, EMPTY)])
    assert await store.rooms.board(ROOM) == EMPTY


async def test_a_room_that_is_deleted_keeps_nothing_in_view(store: Store) -> None:
    lease = await take(store)
    await store.history.append("one", [appended(lease, 1, BOARD, Effect("create", INFO))])
    await store.rooms.delete("one", lease, ROOM)
    assert await store.rooms.board(ROOM) == EMPTY
