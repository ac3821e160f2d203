"""Rounds of messages: what waits is said when there is room again."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from secrets import token_hex
from time import monotonic, time_ns

from prometheus_client import CollectorRegistry
from redis.crc import key_slot

from config.settings import Chat, Rooms
from config.settings import Store as StoreSettings
from danmaku.chat import Said
from danmaku.memory import MemoryBus, MemoryStore
from danmaku.memory.conversations import MemoryConversations
from danmaku.store import Store
from danmaku.store.conversations import Append, Appended, Conversations
from danmaku.store.valkey import ValkeyStore
from danmaku.store.valkey.keys import Keys
from danmaku.subjects import Subjects
from danmaku.telemetry import RoomsMetrics
from rooms.delivery import Deliveries
from rooms.moment import Moment
from rooms.outbox import Outbox
from rooms.saying import Saying
from tests.contract.rooms_chat import send
from tests.engines import ValkeyCluster
from tests.waiting import until

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
        self.sizes: list[int] = []

    async def append(self, appends: list[Append]) -> list[Appended | Exception]:
        self.at_gate += 1
        self.sizes.append(len(appends))
        await self.gate.wait()
        return await super().append(appends)

    def hold(self, rounds: int) -> bool:
        return self.at_gate == rounds


@asynccontextmanager
async def saying_to(store: Store, conversations: Conversations) -> AsyncIterator[Saying]:
    """It runs while the block lasts."""
    metrics = RoomsMetrics(CollectorRegistry())
    outbox = Outbox(MemoryBus(), metrics.bus_seconds)
    told = Deliveries(conversations, store.sessions, outbox, Subjects("t"), metrics, clock)
    saying = Saying(conversations, store.contacts, told, Chat(), metrics, clock)
    running = asyncio.create_task(saying.run())
    yield saying
    running.cancel()
    await asyncio.wait([running])
    await saying.close()


async def test_what_is_said_in_a_conversation_is_in_one_round_at_a_time() -> None:
    conversations, deadline_s = Gated(), clock().s + 60
    async with saying_to(MemoryStore(), conversations) as saying:
        answers = [saying.say(send("a", "c1", "p:a:b"), deadline_s)]
        await until(lambda: conversations.hold(1))
        answers += [saying.say(send("b", f"c{n}", "p:a:b"), deadline_s) for n in range(20)]
        other = saying.say(send("a", "c1", "p:a:z"), deadline_s)
        await until(lambda: conversations.hold(2))
        conversations.gate.set()
        said = await asyncio.wait_for(asyncio.gather(*answers, other), 30)
    assert [one.seq for one in said if isinstance(one, Said)] == [*range(1, 22), 1]
    assert conversations.sizes[:2] == [1, 1]


async def test_what_waits_is_said_when_all_rounds_end_at_one_time() -> None:
    conversations, deadline_s = Gated(), clock().s + 60
    async with saying_to(MemoryStore(), conversations) as saying:
        for number in range(ROUNDS):
            for other in range(ROUND):
                saying.say(send("a", "c", f"p:a:b{number}-{other}"), deadline_s)
            await until(partial(conversations.hold, number + 1))
        last = saying.say(send("a", "c", "p:a:z"), deadline_s)
        conversations.gate.set()
        assert isinstance(await asyncio.wait_for(last, 30), Said)


async def test_a_part_of_the_store_that_hangs_keeps_nobody_else_from_speaking(
    shared_cluster: ValkeyCluster,
) -> None:
    keys = Keys(f"t{token_hex(4)}")
    settings = StoreSettings(url=shared_cluster.url, kind="cluster", prefix=keys.prefix, timeout_s=3)
    store = await ValkeyStore.connect(settings, Rooms())
    pairs = [(f"a{number}", f"b{number}") for number in range(60)]
    hanging = shared_cluster.nodes[0]
    away = await shared_cluster.slots_of(hanging)

    def is_away(one: str, other: str) -> bool:
        conv = f"p:{one}:{other}"
        asked = keys.messages(conv), keys.conversations(one), keys.conversations(other), keys.blocked(other)
        return any(key_slot(key.encode()) in away for key in asked)

    os.kill(hanging.pid, signal.SIGSTOP)
    try:
        deadline_s = clock().s + 60
        async with saying_to(store, store.conversations) as saying:
            said = [saying.say(send(one, "c1", f"p:{one}:{other}"), deadline_s) for one, other in pairs]
            answers = await asyncio.gather(*said)
    finally:
        os.kill(hanging.pid, signal.SIGCONT)
    refused = [pair for pair, answer in zip(pairs, answers, strict=True) if not isinstance(answer, Said)]
    assert 0 < len(refused) < len(pairs)
    assert refused == [pair for pair in pairs if is_away(*pair)]
    await store.close()
