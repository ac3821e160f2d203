"""Rounds of messages: what waits is said when there is room again."""

from __future__ import annotations

import asyncio
from time import monotonic, time_ns

from prometheus_client import CollectorRegistry

from config.settings import Chat
from danmaku.chat import Said
from danmaku.memory import MemoryBus, MemoryStore
from danmaku.memory.conversations import MemoryConversations
from danmaku.store.conversations import Append, Appended
from danmaku.subjects import Subjects
from danmaku.telemetry import RoomsMetrics
from rooms.delivery import Deliveries
from rooms.moment import Moment
from rooms.outbox import Outbox
from rooms.saying import Saying
from tests.contract.conftest import until
from tests.contract.rooms_chat import send

ROUND = 256
ROUNDS = 4


def clock() -> Moment:
    return Moment(monotonic(), time_ns() // 1_000_000)


class Gated(MemoryConversations):
    """Appends wait at a gate, and go through it all in one turn of the loop."""

    def __init__(self) -> None:
        super().__init__(lambda: clock().ms, Chat())
        self.at_gate = 0
        self.gate = asyncio.Event()

    async def append(self, appends: list[Append]) -> list[Appended | Exception]:
        self.at_gate += 1
        await self.gate.wait()
        return await super().append(appends)


async def test_what_waits_is_said_when_all_rounds_end_at_one_time() -> None:
    store, conversations = MemoryStore(), Gated()
    metrics = RoomsMetrics(CollectorRegistry())
    outbox = Outbox(MemoryBus(), metrics.bus_seconds)
    told = Deliveries(conversations, store.sessions, outbox, Subjects("t"), metrics, clock)
    saying = Saying(conversations, store.contacts, told, Chat(), metrics, clock)
    running = asyncio.create_task(saying.run())
    deadline_s = clock().s + 60
    for number in range(ROUNDS):
        for other in range(ROUND):
            saying.say(send("a", "c", f"p:a:b{number}-{other}"), deadline_s)

        async def is_under_way(count: int = number + 1) -> bool:
            return conversations.at_gate == count

        await until(is_under_way)
    last = saying.say(send("a", "c", "p:a:z"), deadline_s)
    conversations.gate.set()
    assert isinstance(await asyncio.wait_for(last, 10), Said)
    running.cancel()
    await asyncio.wait([running])
    await saying.close()
