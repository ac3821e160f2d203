"""What tests of the store's nouns do first: open one, and own a room."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from config.settings import Rooms
from config.settings import Store as StoreSettings
from danmaku.memory import MemoryStore
from danmaku.model import Act, RoomInfo
from danmaku.store import Store
from danmaku.store.valkey import ValkeyStore
from danmaku.subjects import partition_of

ROOM = "lobby"
LONG = 60_000  # ms


@asynccontextmanager
async def opened(settings: StoreSettings | None, **limits: int) -> AsyncIterator[Store]:
    """`settings` as the fixture `store_settings` has them; `limits` as the section `rooms`."""
    rooms = msgspec.structs.replace(Rooms(), **limits)
    store: Store = (
        MemoryStore(rooms=rooms) if settings is None else await ValkeyStore.connect(settings, rooms)
    )
    try:
        yield store
    finally:
        await store.close()


async def take(store: Store, room: str = ROOM, process: str = "one") -> int:
    """The epoch with which the process owns the room from now on."""
    (taken,) = await store.leases.take([partition_of(room)], process, LONG)
    return taken.epoch


async def acts(store: Store, room: str = ROOM) -> list[Act]:
    """What was written down about the room, the oldest first."""
    return [recorded.act for recorded in await store.audit.before(room, None, 100)]


async def kept_of(store: Store, room: str) -> tuple[RoomInfo | None, list[int]]:
    """What there is of a room: its state, and the last seqs of its batches."""
    kept = await store.history.latest(room, 100, 100_000)
    return await store.rooms.load(room), [entry.last.seq for entry in kept.entries]
