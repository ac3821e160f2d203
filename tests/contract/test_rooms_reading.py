"""What is read, where the store answers a part of it only."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from config.settings import Chat
from danmaku import chat
from danmaku.chat import ReadBy, ReadRow
from danmaku.memory import MemoryBus, MemoryStore
from danmaku.memory.contacts import MemoryContacts
from danmaku.store.conversations import Append
from danmaku.store.errors import StoreDown
from danmaku.store.sessions import Counted, Hello
from danmaku.subjects import Subjects
from danmaku.telemetry import RoomsMetrics
from rooms.delivery import Deliveries
from rooms.moment import Moment
from rooms.outbox import Outbox
from rooms.reading import Reading
from tests.contract.rooms_chat import PAIR
from tests.waiting import until

NOW = Moment(10.0, 10_000)


class AwayOnce(MemoryContacts):
    """Who is blocked by whom is not told the first time."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    async def blocks(self, pairs: list[tuple[str, str]]) -> list[bool]:
        self.asked += 1
        if self.asked == 1:
            raise StoreDown("away")
        return await super().blocks(pairs)


async def test_how_far_one_has_read_is_told_by_the_repeat_of_what_failed() -> None:
    store, bus, subjects = MemoryStore(), MemoryBus(), Subjects("t")
    metrics = RoomsMetrics(CollectorRegistry())
    outbox = Outbox(bus, metrics.bus_seconds)
    told = Deliveries(store.conversations, store.sessions, outbox, subjects, metrics, lambda: NOW)
    reading = Reading(store.conversations, AwayOnce(), told, Chat(), metrics, lambda: NOW)
    heard: list[chat.News] = []
    await bus.subscribe(subjects.to_edge("e1"), lambda payload, _: heard.append(chat.decode_news(payload)))
    await store.sessions.greet([Hello("bob", 1, Counted("tv", 1, "e1", "s"))], NOW.ms, 60_000, 10)
    await store.conversations.append([Append(PAIR, "ann", NOW.ms, b"hi", "c1", indexed=True)])
    running = [asyncio.create_task(one.run()) for one in (told, outbox)]

    with pytest.raises(StoreDown):
        await reading.read(ReadRow("bob", PAIR, 1))
    assert (await reading.read(ReadRow("bob", PAIR, 1))).seq == 1
    await until(lambda: heard == [ReadBy(PAIR, "bob", 1, ["ann", "bob"])])
    for task in running:
        task.cancel()
    await asyncio.wait(running)
