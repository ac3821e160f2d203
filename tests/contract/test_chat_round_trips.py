"""How often the store is asked: what is read of many conversations is read at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from secrets import token_hex
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from config.settings import Chat, Rooms
from config.settings import Store as StoreSettings
from danmaku.chat import PullRow, SyncRow
from danmaku.memory import MemoryBus
from danmaku.store.conversations import Append
from danmaku.store.valkey import ValkeyStore
from danmaku.store.valkey.link import Link
from danmaku.subjects import Subjects
from danmaku.telemetry import RoomsMetrics
from rooms.delivery import Deliveries
from rooms.outbox import Outbox
from rooms.process import clock
from rooms.reading import Reading

CONVERSATIONS, MESSAGES = 500, 50
CONVS = [f"p:ann:u{number:03}" for number in range(CONVERSATIONS)]


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[ValkeyStore]:
    where = StoreSettings(url=store_url, prefix=f"t{token_hex(4)}")
    opened = await ValkeyStore.connect(where, Rooms(), Chat())
    await opened.contacts.add([("ann", conv) for conv in CONVS])
    for number in range(MESSAGES):
        convs = CONVS if number == 0 else CONVS[:100]
        said = [Append(conv, "ann", 1, b"hi", f"c{number}", indexed=True) for conv in convs]
        await opened.conversations.append(said)
    yield opened
    await opened.close()


@pytest.fixture
def reading(store: ValkeyStore) -> Reading:
    metrics = RoomsMetrics(CollectorRegistry())
    outbox = Outbox(MemoryBus(), metrics.bus_seconds)
    told = Deliveries(store.conversations, store.sessions, outbox, Subjects(), metrics, clock)
    return Reading(store.conversations, store.contacts, told, Chat(), metrics, clock)


@pytest.fixture
def trips(store: ValkeyStore, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many calls each round trip carried since the store was filled."""
    counted: list[int] = []
    exchange = Link._exchange

    async def count(link: Link, server: Any, calls: Any, wait: Any, *, asking: bool = False) -> Any:
        counted.append(len(calls))
        return await exchange(link, server, calls, wait, asking=asking)

    monkeypatch.setattr(Link, "_exchange", count)
    return counted


async def test_a_hundred_conversations_are_pulled_in_one(reading: Reading, trips: list[int]) -> None:
    await reading.pull(PullRow("ann", [(CONVS[0], 0, 1)]))  # the script is known from now on
    trips.clear()
    pulled = await reading.pull(PullRow("ann", [(conv, 0, MESSAGES) for conv in CONVS[:100]]))
    assert [len(one.messages) for one in pulled.results] == [MESSAGES] * 100
    assert trips == [100]


async def test_five_hundred_are_synced_in_three(reading: Reading, trips: list[int]) -> None:
    await reading.sync(SyncRow("ann", 1))  # the script is known from now on
    trips.clear()
    synced = await reading.sync(SyncRow("ann", CONVERSATIONS))
    assert [one.conv for one in synced.conversations] == CONVS
    assert trips == [1, CONVERSATIONS, CONVERSATIONS]
