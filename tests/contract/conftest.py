"""One suite for twin and real server: every test here runs against both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from secrets import token_hex

import pytest

from config.settings import Chat, Nats, Rooms
from config.settings import Store as StoreSettings
from danmaku.bus import Bus, NatsBus
from danmaku.memory import MemoryBus, MemoryStore
from danmaku.store import Store
from danmaku.store.valkey import ValkeyStore

ROOMS = Rooms(history_batches=8, history_s=60)
CHAT = Chat(private_messages=8, private_s=60, group_messages=12, group_s=120)

Connect = Callable[[], Awaitable[Bus]]


@pytest.fixture(params=["memory", "valkey"])
def store_settings(request: pytest.FixtureRequest) -> StoreSettings | None:
    """None for the twin. An empty corner of the shared server otherwise."""
    if request.param == "memory":
        return None
    return StoreSettings(url=request.getfixturevalue("store_url"), prefix=f"t{token_hex(4)}")


@pytest.fixture
async def store(store_settings: StoreSettings | None) -> AsyncIterator[Store]:
    opened: Store
    if store_settings is None:
        opened = MemoryStore(rooms=ROOMS, chat=CHAT)
    else:
        opened = await ValkeyStore.connect(store_settings, ROOMS, CHAT)
    yield opened
    await opened.close()


@pytest.fixture(params=["memory", "nats"])
def bus_settings(request: pytest.FixtureRequest) -> Nats | None:
    """None for the twin."""
    return None if request.param == "memory" else Nats(url=request.getfixturevalue("nats_url"))


@pytest.fixture
async def connect(bus_settings: Nats | None) -> AsyncIterator[Connect]:
    """Connects one more party to the same bus."""
    twin = MemoryBus()
    opened: list[Bus] = [twin]

    async def connect() -> Bus:
        if bus_settings is not None:
            opened.append(await NatsBus.connect(bus_settings, f"party {len(opened)}"))
        return opened[-1]

    yield connect
    for bus in opened:
        await bus.close()


async def until(condition: Callable[[], Awaitable[bool]], deadline_s: float = 10) -> None:
    """Wait for `condition`; fails after `deadline_s`."""
    async with asyncio.timeout(deadline_s):
        while not await condition():  # noqa: ASYNC110  what is waited for is in another process
            await asyncio.sleep(0.01)
