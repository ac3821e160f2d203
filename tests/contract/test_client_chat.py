"""The SDK in conversations, at an edge with real sockets, before rooms processes that do as they are told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Literal

import pytest

from danmaku import chat
from danmaku.client import Client, Message, Messages, ReadBy, Refusal, TypingBy
from danmaku.errors import CONFLICT
from danmaku.memory import MemoryBus
from danmaku.wire_chat import Face, Text
from tests.contract.edge_chat import FakeChat, chat_worker
from tests.contract.edge_worker import QUICK, Worker, always, token
from tests.waiting import until

CONV = "p:ann:bob"

Start = Callable[..., AbstractAsyncContextManager[tuple[Worker, FakeChat]]]


@pytest.fixture
def start(bus: MemoryBus) -> Start:
    """Nobody pulls too fast."""
    return partial(chat_worker, always(bus), pulls_per_s=1000.0, pulls_burst=1000)


def client(
    worker: Worker,
    uid: str = "ann",
    protocol: Literal["msgpack", "json"] = "msgpack",
    device: str = "d",
    *,
    listens: bool = True,
) -> Client:
    return Client(
        f"http://127.0.0.1:{worker.port}",
        token=token(uid),
        device=f"{uid}-{device}",
        chat=listens,
        protocol=protocol,
        timing=QUICK,
    )


async def read(stream: Messages, count: int) -> list[Message]:
    async with asyncio.timeout(30):
        return [await anext(stream) for _ in range(count)]


def numbered(messages: list[Message]) -> list[tuple[int, str]]:
    return [(message.seq, message.text) for message in messages]


@pytest.mark.parametrize("protocol", ["msgpack", "json"])
async def test_what_one_can_do_in_conversations(start: Start, protocol: Literal["msgpack", "json"]) -> None:
    async with start() as (worker, fake), client(worker, "ann", protocol) as ann:
        said = await ann.chat.send("bob", "hello", cid="c-1")
        assert (said.conv, said.seq, said.duplicate) == (CONV, 1, False)
        assert (await ann.chat.send(CONV, [Text("hello"), Face(3)], cid="c-1")).duplicate
        await ann.chat.send("bob", [Text("hi"), Face(3), Text("there")], mention=["bob"])
        assert await ann.chat.read(CONV, 2) == 2
        assert (await ann.chat.recall(CONV, 1)).seq == 3
        await ann.chat.typing(CONV)
        assert fake.all(chat.TypingRow) == [chat.TypingRow("ann", CONV)]
        [place] = await ann.chat.sync()
        assert (place.conv, place.last_seq, place.read_seq, place.unread) == (CONV, 3, 2, 1)
        assert place.last is not None
        assert (place.last.kind, place.last.of, place.last.uid) == ("recall", 1, "ann")
        pages = await ann.chat.pull({CONV: 1, "g:team": 0}, limit=1)
        [message] = pages[CONV].messages
        assert (message.seq, message.text, message.mention) == (2, "hi\nthere", ["bob"])
        assert message.body[1] == {"type": "face", "index": 3}
        assert (pages[CONV].last_seq, pages[CONV].more, pages["g:team"].messages) == (3, True, [])


async def test_a_long_list_of_conversations_is_read_whole(start: Start) -> None:
    async with start() as (worker, fake), client(worker) as ann:
        for number in range(450):
            fake.say(f"p:ann:b{number:03}", "hi")
        assert len(await ann.chat.sync()) == 450
        assert len(fake.all(chat.SyncRow)) == 3


async def test_a_no_is_raised(start: Start) -> None:
    async with start() as (worker, fake), client(worker) as ann:
        none = chat.PulledConversation("g:team", [], 0, more=False, refused="not_a_member")
        fake.judge = lambda row: (
            chat.Pulled([none]) if isinstance(row, chat.PullRow) else chat.Refused("not_a_member")
        )
        with pytest.raises(Refusal, match="not_a_member"):
            await ann.chat.send("g:team", "hello")
        assert (await ann.chat.pull({"g:team": 0}))["g:team"].error == "not_a_member"
        await ann.chat.typing("g:team")


async def test_messages_come_as_they_are_said(start: Start) -> None:
    async with start() as (worker, _), client(worker) as ann, client(worker, "bob", "json") as bob:
        mine, his = ann.chat.messages(), bob.chat.messages()
        for number in range(1, 6):
            await ann.chat.send("bob", f"{number}")
        expected = [(number, str(number)) for number in range(1, 6)]
        assert numbered(await read(mine, 5)) == numbered(await read(his, 5)) == expected
        assert his.positions == mine.positions == {CONV: 5}
        assert his.missed == 0


async def test_what_one_says_at_once_is_stored_in_that_order(start: Start) -> None:
    async with start() as (worker, _), client(worker) as ann:
        said = await asyncio.gather(*(ann.chat.send("bob", f"{number}") for number in range(1, 40)))
        assert [one.seq for one in said] == list(range(1, 40))
        assert numbered(await read(ann.chat.messages({}), 39)) == [(n, str(n)) for n in range(1, 40)]


async def test_to_wait_for_one_s_turn_takes_no_longer_than_one_gave_it(start: Start) -> None:
    async with start() as (worker, fake), client(worker) as ann:
        fake.hold = asyncio.Event()
        first = asyncio.create_task(ann.chat.send("bob", "first", timeout_s=30))
        await until(lambda: fake.all(chat.SendRow))
        async with asyncio.timeout(30):
            with pytest.raises(Refusal, match="timeout"):
                await ann.chat.send("bob", "second", timeout_s=0.1)
        fake.hold.set()
        assert (await first).seq == 1
        assert (await ann.chat.send("bob", "third")).seq == 2


async def test_what_is_lost_doubled_or_late_comes_once_and_in_order(start: Start) -> None:
    async with start() as (worker, fake), client(worker) as ann:
        stream = ann.chat.messages()
        fake.delivers = False
        for number in range(1, 9):
            fake.say(CONV, str(number))
        await until(lambda: fake.all(chat.SyncRow))
        for seq in (2, 1, 1, 4, 6, 6, 5):
            await fake.deliver(CONV, seq)
        await fake.tell_heads(CONV)
        assert numbered(await read(stream, 8)) == [(number, str(number)) for number in range(1, 9)]
        await fake.deliver(CONV, 8)
        fake.delivers = True
        await ann.chat.send("bob", "9")
        assert numbered(await read(stream, 1)) == [(9, "9")]


async def test_one_begins_with_what_was_not_read_or_where_one_stood(start: Start) -> None:
    async with start() as (worker, fake), client(worker) as ann:
        for number in range(1, 6):
            fake.say(CONV, str(number))
        fake.say("p:ann:cat", "new")
        await ann.chat.read(CONV, 3)
        unread = await read(ann.chat.messages(), 3)
        assert sorted((one.conv, one.seq) for one in unread) == [(CONV, 4), (CONV, 5), ("p:ann:cat", 1)]
        later = await read(ann.chat.messages({CONV: 4}), 2)
        assert sorted((one.conv, one.seq) for one in later) == [(CONV, 5), ("p:ann:cat", 1)]


async def test_what_comes_before_the_first_sync_does_not_bring_what_was_read_before(start: Start) -> None:
    async with start() as (worker, fake), client(worker) as ann:
        for number in range(1, 6):
            fake.say(CONV, str(number))
        await ann.chat.read(CONV, 5)
        first = True

        def judge(row: chat.Row) -> chat.Answer:
            nonlocal first
            answer = fake.answer(row)
            if first and isinstance(row, chat.SyncRow):
                first = False
                fake.say(CONV, "6")  # comes before the answer that does not know of it
            return answer

        fake.judge = judge
        stream = ann.chat.messages()
        assert numbered(await read(stream, 1)) == [(6, "6")]


async def test_after_a_lost_connection_what_was_said_meanwhile_is_read_back(start: Start) -> None:
    async with start() as (worker, fake), client(worker) as ann:
        stream = ann.chat.messages({})
        fake.say(CONV, "one")
        await read(stream, 1)
        link = ann._connection.link
        assert link is not None
        fake.delivers = False
        link.abort()
        fake.say(CONV, "two")
        fake.say("g:new", "three")
        assert {(one.conv, one.seq, one.text) for one in await read(stream, 2)} == {
            (CONV, 2, "two"),
            ("g:new", 1, "three"),
        }


async def test_after_the_bus_was_away_what_was_said_meanwhile_is_read_back(
    start: Start, bus: MemoryBus
) -> None:
    async with start() as (worker, fake), client(worker) as ann:
        stream = ann.chat.messages()
        await until(lambda: fake.all(chat.SyncRow))
        fake.delivers = False
        bus.connected = False
        fake.say(CONV, "one")
        bus.connected = True
        assert numbered(await read(stream, 1)) == [(1, "one")]


async def test_a_slow_reader_loses_nothing(start: Start) -> None:
    async with start() as (worker, fake), client(worker) as ann:
        stream = ann.chat.messages({}, buffer=5)
        for number in range(1, 21):
            await ann.chat.send("bob", str(number))
        await fake.tell_heads(CONV)
        assert len(stream._waiting) <= 5
        assert stream.positions == {CONV: 0}
        assert numbered(await read(stream, 1)) == [(1, "1")]
        assert stream.positions == {CONV: 1}
        assert numbered(await read(stream, 19)) == [(number, str(number)) for number in range(2, 21)]


async def test_a_store_that_went_back_is_noticed(start: Start) -> None:
    async with start() as (worker, fake), client(worker) as ann:
        stream = ann.chat.messages({})
        for text in ("one", "two", "three"):
            fake.say(CONV, text)
        await read(stream, 3)
        del fake.stored[CONV][1:]
        fake.say(CONV, "another")
        assert numbered(await read(stream, 1)) == [(2, "another")]
        fake.say(CONV, "more")
        assert numbered(await read(stream, 1)) == [(3, "more")]


async def test_too_many_conversations_for_one_frame_are_pulled_in_turns(start: Start) -> None:
    async with start(frame_bytes=1024) as (worker, fake), client(worker) as ann:
        for number in range(60):
            fake.say(f"p:ann:{'b' * 30}{number:03}", "hi")
        messages = await read(ann.chat.messages({}), 60)
        assert len({one.conv for one in messages}) == 60


async def test_pulls_that_come_too_fast_are_made_later(start: Start) -> None:
    async with start(pulls_per_s=1.0, pulls_burst=1, rooms_per_connection=1) as (worker, fake):
        fake.say(CONV, "one")
        async with client(worker) as ann:
            assert numbered(await read(ann.chat.messages({}), 1)) == [(1, "one")]
        assert worker.metric("refusals_total", name="rate_limited") > 0


async def test_who_reads_and_types_is_told_as_an_event(start: Start) -> None:
    async with start() as (worker, fake), client(worker) as ann:
        events = ann.events()
        await fake.to_edge(chat.ReadBy(CONV, "bob", 5, ["ann"]))
        await fake.to_edge(chat.Typing(CONV, "bob", ["ann"]))
        async with asyncio.timeout(30):
            assert [await anext(events), await anext(events)] == [
                ReadBy(CONV, "bob", 5),
                TypingBy(CONV, "bob"),
            ]


async def test_a_guest_has_no_messages(start: Start) -> None:
    async with start() as (worker, _), Client(f"http://127.0.0.1:{worker.port}", chat=True) as guest:
        with pytest.raises(Refusal, match="forbidden"):
            await read(guest.chat.messages(), 1)


async def test_who_did_not_ask_for_messages_is_told_so(start: Start) -> None:
    async with start() as (worker, _), client(worker, listens=False) as ann:
        with pytest.raises(ValueError, match="chat=True"):
            ann.chat.messages()
        assert (await ann.chat.send("bob", "all the same")).seq == 1


async def test_the_stream_ends_with_the_client_or_when_it_is_closed(start: Start) -> None:
    async with start() as (worker, fake):
        fake.say(CONV, "one")
        async with client(worker) as ann:
            closed, open_ = ann.chat.messages({}), ann.chat.messages({})
            await until(lambda: closed._waiting and open_._waiting)
            closed.close()
            assert numbered([one async for one in closed]) == [(1, "one")]
            fake.say(CONV, "two")
            await until(lambda: len(open_._waiting) == 2)
        assert numbered([one async for one in open_]) == [(1, "one"), (2, "two")]
        assert [one async for one in ann.chat.messages()] == []
        with pytest.raises(Refusal, match="the client is closed"):
            await ann.chat.send("bob", "late")


async def test_who_is_replaced_is_told_why_nothing_comes_any_more(start: Start) -> None:
    async with start() as (worker, _), client(worker) as ann:
        stream = ann.chat.messages()
        ann._connection.end(Refusal(CONFLICT))
        with pytest.raises(Refusal, match="conflict"):
            await read(stream, 1)
        with pytest.raises(Refusal, match="conflict"):
            await read(ann.chat.messages(), 1)
