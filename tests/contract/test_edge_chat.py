"""Chat at an edge with real sockets, before rooms processes that do as they are told, over bus and twin."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial

import pytest
from prometheus_client import CollectorRegistry

from danmaku import chat, wire
from danmaku.conversation import Kick, Message
from danmaku.memory import MemoryBus
from danmaku.model import Role
from danmaku.telemetry import EdgeMetrics
from danmaku.wire_chat import (
    After,
    Chat,
    ChatPull,
    ChatRead,
    ChatRecall,
    ChatSend,
    ChatSync,
    ChatTyping,
    Head,
    Pulled,
    Read,
    Synced,
    Text,
    Typing,
)
from edge.chat_client import ChatClient
from tests.contract.edge_chat import FakeChat, chat_worker
from tests.contract.edge_worker import Connect, Worker, always, token
from tests.viewer import Viewer, viewer
from tests.waiting import until

Start = Callable[..., AbstractAsyncContextManager[tuple[Worker, FakeChat]]]

CONV = "p:ann:bob"
UNKNOWN = b"\x82\xa1t\xa1x\xa1i\x01"  # a frame that only a later version knows
BOTH = pytest.mark.parametrize("codec", [wire.MSGPACK, wire.JSON], ids=["msgpack", "json"])


@pytest.fixture
def start(connect: Connect) -> Start:
    return partial(chat_worker, connect)


@asynccontextmanager
async def device(
    worker: Worker, uid: str, name: str = "d", codec: wire.Codec = wire.MSGPACK, *, chat: bool = True
) -> AsyncIterator[Viewer]:
    async with viewer(worker.port, codec) as one:
        await one.ok(wire.Hello(0, token=token(uid), device=f"{uid}-{name}", n=1, chat=chat))
        yield one


def send(text: str, cid: str = "c-1", to: str = "bob") -> ChatSend:
    return ChatSend(0, [Text(text)], cid, to=to)


def texts(one: Viewer) -> list[tuple[int, str]]:
    """Number and text of the messages that came."""
    messages = [frame for frame in one.all(Chat) if frame.kind == "message"]
    return [(frame.seq, one.codec.read(frame.body)[0]["text"]) for frame in messages]


async def hint_at_team(fake: FakeChat, *uids: str, version: int = 1) -> None:
    """By something said there that an edge of this version cannot read: it asks who belongs to the group."""
    for uid in uids:
        await fake.to_edge(chat.Delivery("g:team", 0, version, [uid], UNKNOWN))


async def settled(worker: Worker, fake: FakeChat, **devices: Viewer) -> None:
    """Until the edge has asked who belongs to the groups of these users, and knows."""
    await until(lambda: set(devices) <= {row.uid for row in fake.all(chat.GroupsRow)})
    await until(lambda: len(fake.all(chat.MembersRow)) >= worker.metric("chat_groups") > 0)
    for one in devices.values():
        await answered(fake, one)


async def answered(fake: FakeChat, one: Viewer) -> None:
    """Until the edge has read all that it asked before: answers come to it in order."""
    await asyncio.gather(*fake._tasks)
    await one.ok(ChatSync(0))


@BOTH
async def test_what_a_user_does_in_conversations_is_asked_and_answered(
    start: Start, codec: wire.Codec
) -> None:
    async with start(buffered_bytes=200_000) as (worker, fake), device(worker, "ann", codec=codec) as ann:
        said = await ann.ok(send("one"))
        assert (said.conv, said.seq, said.at, said.duplicate) == (CONV, 1, 7, False)
        again = await ann.ok(ChatSend(0, [Text("one")], "c-1", conv=CONV))
        assert (again.seq, again.duplicate) == (1, True)
        await ann.ok(send("two", "c-2"))
        pulled = await ann.ok(ChatPull(0, [After(CONV, 0, 1), After("g:team", 4)]))
        one, other = codec.read(pulled.results, list[Pulled])
        assert (one.conv, one.last_seq, one.more, one.complete) == (CONV, 2, True, True)
        assert [(m.seq, m.from_, m.cid, codec.read(m.body)) for m in one.messages] == [
            (1, "ann", "c-1", [{"type": "text", "text": "one"}])
        ]
        assert (other.conv, other.messages, other.last_seq, other.more) == ("g:team", [], 0, False)
        read = await ann.ok(ChatRead(0, CONV, 1))
        assert read.read_seq == 1
        recalled = await ann.ok(ChatRecall(0, CONV, 2))
        assert recalled.seq == 3
        await ann.ok(ChatTyping(0, CONV))
        synced = await ann.ok(ChatSync(0))
        [summary] = codec.read(synced.convs, list[Synced])
        assert (summary.conv, summary.last_seq, summary.read_seq, summary.unread) == (CONV, 3, 1, 2)
        assert summary.last is not None
        assert (summary.last.kind, summary.last.of) == ("recall", 2)
        assert (synced.more, synced.cursor) == (False, None)
        sends = fake.all(chat.SendRow)
        assert [(row.uid, row.cid, row.n) for row in sends] == [
            ("ann", "c-1", 1),
            ("ann", "c-1", 2),
            ("ann", "c-2", 3),
        ]
        asked = [row.max_bytes for row in fake.rows if isinstance(row, chat.PullRow | chat.SyncRow)]
        assert asked == [100_000, 100_000]  # an answer and the next have room in what is buffered
        assert len({row.session for row in sends}) == 1
        assert sends[0].session
        assert fake.all(chat.PullRow)[0].convs == [(CONV, 0, 1), ("g:team", 4, 50)]


@BOTH
async def test_a_long_sync_goes_on_at_its_cursor(start: Start, codec: wire.Codec) -> None:
    async with start() as (worker, fake), device(worker, "ann", codec=codec) as ann:
        for number in range(3):
            fake.say(f"p:ann:b{number}", "hi")
        first = await ann.ok(ChatSync(0, limit=2))
        assert (first.more, first.cursor) == (True, "p:ann:b1")
        rest = await ann.ok(ChatSync(0, limit=2, cursor=first.cursor))
        assert [one.conv for one in codec.read(rest.convs, list[Synced])] == ["p:ann:b2"]
        assert (rest.more, rest.cursor) == (False, None)


async def test_refusals_go_to_whoever_asked(start: Start) -> None:
    async with start() as (worker, fake), device(worker, "ann") as ann:
        fake.judge = lambda row: chat.Refused("not_a_member")
        for frame in (
            send("one"),
            ChatPull(0, [After(CONV, 0)]),
            ChatSync(0),
            ChatRead(0, CONV, 1),
            ChatRecall(0, CONV, 1),
            ChatTyping(0, CONV),
        ):
            assert await ann.err(frame) == "not_a_member"
        assert await ann.err(send("to myself", to="ann")) == "bad_id"
        assert await ann.err(ChatSend(0, [], "c-1", to="bob")) == "empty"
        fake.judge = fake.answer
        await ann.ok(send("two"))
        assert worker.metric("refusals_total", name="not_a_member") == 6


async def test_a_conversation_that_cannot_be_read_does_not_spoil_the_others(start: Start) -> None:
    async with start() as (worker, fake), device(worker, "ann") as ann:
        none = chat.PulledConversation("g:team", [], 0, False, refused="not_a_member")
        old = chat.PulledConversation(CONV, [(5, b"")], 9, False, complete=False)
        fake.judge = lambda row: chat.Pulled([none, old])
        pulled = await ann.ok(ChatPull(0, [After("g:team", 0), After(CONV, 0)]))
        refused, given = ann.codec.read(pulled.results, list[Pulled])
        assert (refused.conv, refused.error) == ("g:team", "not_a_member")
        assert (given.last_seq, given.complete, given.error) == (9, False, None)
        assert [(one.seq, one.kind) for one in given.messages] == [(5, "gone")]


async def test_guests_have_no_conversations(start: Start) -> None:
    async with start() as (worker, fake), viewer(worker.port) as guest:
        await guest.ok(wire.Hello(0, device="d", n=1, chat=True))
        assert await guest.err(send("one")) == "forbidden"
        assert await guest.err(ChatSync(0)) == "forbidden"
        assert fake.rows == []


async def test_who_wants_chat_says_by_what_it_is_found(start: Start) -> None:
    async with start() as (worker, _), viewer(worker.port) as ann:
        assert await ann.err(wire.Hello(0, token=token("ann"), chat=True)) == "bad_frame"
        await ann.ok(wire.Hello(0, token=token("ann"), device="d", n=1, chat=True))


async def test_messages_of_a_connection_are_said_one_after_the_other(start: Start) -> None:
    async with start() as (worker, fake), device(worker, "ann") as ann, device(worker, "bob") as bob:
        fake.hold = asyncio.Event()
        await ann.say(
            *(ChatSend(number, [Text(f"{number}")], f"c-{number}", to="bob") for number in (1, 2, 3))
        )
        await bob.say(ChatSend(1, [Text("mine")], "b-1", to="ann"))
        await until(lambda: len(fake.all(chat.SendRow)) == 2)
        assert {row.cid for row in fake.all(chat.SendRow)} == {"c-1", "b-1"}
        fake.hold.set()
        for number in (1, 2, 3):
            assert isinstance(await ann.answer(number), wire.Ok)
        rows = [row for row in fake.all(chat.SendRow) if row.uid == "ann"]
        assert [(row.cid, row.n) for row in rows] == [("c-1", 1), ("c-2", 2), ("c-3", 3)]


async def test_a_message_that_is_refused_lets_the_next_one_go(start: Start) -> None:
    async with start() as (worker, fake), device(worker, "ann") as ann:
        fake.hold = asyncio.Event()
        await ann.say(
            ChatSend(1, [Text("one")], "c-1", to="bob"),
            ChatSend(2, [Text("two")], "c-2", to="ann"),
            ChatSend(3, [Text("three")], "c-3", to="bob"),
        )
        await until(lambda: fake.all(chat.SendRow))
        fake.hold.set()
        answers = [await ann.answer(number) for number in (1, 2, 3)]
        assert [type(answer) for answer in answers] == [wire.Ok, wire.Err, wire.Ok]


async def test_only_so_many_messages_wait(start: Start) -> None:
    async with start() as (worker, fake), device(worker, "ann") as ann:
        fake.hold = asyncio.Event()
        await ann.say(*(ChatSend(number, [Text("x")], f"c-{number}", to="bob") for number in range(1, 19)))
        refused = await ann.answer(18)
        assert isinstance(refused, wire.Err)
        assert (refused.error, refused.retry_ms) == ("rate_limited", 1000)
        fake.hold.set()
        assert isinstance(await ann.answer(17), wire.Ok)


async def test_what_waits_of_a_connection_that_is_gone_is_not_said(start: Start) -> None:
    async with start() as (worker, fake):
        fake.hold = asyncio.Event()
        async with device(worker, "ann") as ann:
            await ann.say(*(ChatSend(number, [Text("x")], f"c-{number}", to="bob") for number in (1, 2)))
            await until(lambda: fake.all(chat.SendRow))
        await until(lambda: not worker.metric("connections"))
        fake.hold.set()
        async with device(worker, "ann", "other") as ann:
            await ann.ok(send("three", "c-3"))
        assert [row.cid for row in fake.all(chat.SendRow)] == ["c-1", "c-3"]


async def test_a_request_that_got_no_answer_is_made_again_and_at_last_refused(start: Start) -> None:
    async with start(request_s=1.5) as (worker, fake), device(worker, "ann") as ann:
        fake.silent = True
        assert await ann.err(send("one")) == "unavailable"
        asked = fake.all(chat.SendRow)
        assert len(asked) > 1
        assert len({(row.session, row.n, row.cid) for row in asked}) == 1
        fake.silent = False
        await ann.ok(send("one"))


async def test_an_answer_that_makes_no_sense_is_refused(start: Start) -> None:
    async with start() as (worker, fake), device(worker, "ann") as ann:
        fake.answer_with = b"nonsense"
        assert await ann.err(send("one")) == "internal"
        fake.answer_with = None
        fake.judge = lambda row: chat.Done()
        assert await ann.err(send("one")) == "internal"


async def test_a_private_message_comes_to_all_devices_of_both(start: Start) -> None:
    async with start() as (worker, _), AsyncExitStack() as stack:
        enter = stack.enter_async_context
        ann, annie = await enter(device(worker, "ann")), await enter(device(worker, "ann", "x", wire.JSON))
        bob, eve = await enter(device(worker, "bob", "d", wire.JSON)), await enter(device(worker, "eve"))
        deaf = await enter(device(worker, "bob", "deaf", chat=False))
        await ann.ok(send("hello"))
        for one in (ann, annie, bob):
            [message] = await one.until(Chat)
            assert (message.conv, message.seq, message.from_, message.cid) == (CONV, 1, "ann", "c-1")
            assert texts(one) == [(1, "hello")]
        for one in (eve, deaf):
            await one.ok(wire.Ping(0))
            assert not one.all(Chat)
        assert worker.metric("chat_frames_total") == 3
        assert worker.metric("chat_delivery_seconds_count") == 1
        await ann.ok(send("hello"))  # which is answered as it was
        await (await enter(device(worker, "eve", "deaf", chat=False))).ok(send("hi"))
        assert worker.metric("chat_delivery_seconds_count") == 1


async def test_who_has_read_and_who_is_typing_is_told(start: Start) -> None:
    async with start() as (worker, fake), device(worker, "ann") as ann, device(worker, "bob") as bob:
        await fake.to_edge(chat.ReadBy(CONV, "bob", 5, ["ann"]))
        await fake.to_edge(chat.Typing(CONV, "bob", ["ann", "bob"]))
        assert await ann.until(Read) == [Read(CONV, "bob", 5)]
        assert await ann.until(Typing) == [Typing(CONV, "bob")]
        await bob.ok(wire.Ping(0))
        assert not bob.all(Typing)
        assert not bob.all(Read)


@BOTH
async def test_a_group_message_comes_to_its_members_here(start: Start, codec: wire.Codec) -> None:
    async with start() as (worker, fake), AsyncExitStack() as stack:
        fake.put_group("team", 1, "ann", "bob", "far")
        fake.claims["eve"] = ["team"]  # she left, and the list of her groups does not know yet
        enter = stack.enter_async_context
        ann, bob, eve = [await enter(device(worker, uid, "d", codec)) for uid in ("ann", "bob", "eve")]
        await settled(worker, fake, ann=ann, bob=bob, eve=eve)
        fake.say("g:team", "hello")
        for one in (ann, bob):
            await one.until(Chat)
            assert texts(one) == [(1, "hello")]
        await fake.to_group("team", chat.Typing("g:team", "ann", []))
        assert await bob.until(Typing) == [Typing("g:team", "ann")]
        for one in (ann, eve):
            await one.ok(wire.Ping(0))
            assert not one.all(Typing)
        assert not eve.all(Chat)
        assert worker.metric("chat_groups") == 1


async def test_nobody_listens_to_a_group_when_its_last_member_has_left_the_edge(start: Start) -> None:
    async with start() as (worker, fake):
        fake.put_group("team", 1, "ann")
        async with device(worker, "ann") as ann:
            async with device(worker, "ann", "other"):
                await settled(worker, fake, ann=ann)
            fake.say("g:team", "hello")
            await ann.until(Chat)
        await until(lambda: not worker.metric("chat_groups"))
        async with device(worker, "ann") as ann:
            await until(lambda: len(fake.all(chat.MembersRow)) == 2)
            await answered(fake, ann)
            fake.say("g:team", "again")
            await ann.until(Chat)
            assert texts(ann) == [(2, "again")]


async def test_who_comes_to_a_group_hears_of_it_at_once(start: Start) -> None:
    async with start() as (worker, fake), device(worker, "ann") as ann, device(worker, "bob") as bob:
        fake.put_group("team", 1, "ann")
        await until(lambda: len(fake.all(chat.GroupsRow)) == 2)
        fake.groups["team"] = 2, ["ann", "bob"]
        fake.delivers = False
        fake.append("g:team", Message("ann", 7, "member"))
        await fake.deliver("g:team", 1, "bob", "ann")
        await bob.until(Chat)
        await until(lambda: fake.all(chat.MembersRow))
        await answered(fake, ann)
        fake.say("g:team", "welcome")
        await fake.deliver("g:team", 2)
        await bob.until(Chat, 2)
        await ann.until(Chat, 2)
        assert texts(bob) == texts(ann) == [(2, "welcome")]


async def test_who_was_sent_away_gets_nothing_that_was_said_after(start: Start) -> None:
    async with start() as (worker, fake), device(worker, "ann") as ann, device(worker, "bob") as bob:
        fake.put_group("team", 1, "ann", "bob")
        await hint_at_team(fake, "ann", "bob")
        await settled(worker, fake, ann=ann, bob=bob)
        fake.groups["team"] = 2, ["ann"]
        fake.delivers = False
        fake.append("g:team", Message("ann", 7, "member", change=Kick("bob")))
        fake.say("g:team", "he is gone", "ann")
        asked = len(fake.all(chat.MembersRow))
        await fake.deliver("g:team", 2)  # overtakes the news that he is gone
        await ann.until(Chat)
        assert len(fake.all(chat.MembersRow)) == asked + 1
        await fake.deliver("g:team", 1, "bob")
        await bob.until(Chat)
        assert [one.kind for one in bob.all(Chat)] == ["member"]
        await fake.deliver("g:team", 2)
        await ann.until(Chat, 2)
        await bob.ok(wire.Ping(0))
        assert len(bob.all(Chat)) == 1


async def test_an_answer_that_was_asked_for_before_the_message_came_is_asked_for_again(start: Start) -> None:
    async with start() as (worker, fake), device(worker, "ann") as ann:
        fake.put_group("team", 1, "ann", "bob")
        await hint_at_team(fake, "ann")
        await settled(worker, fake, ann=ann)
        asked = len(fake.all(chat.MembersRow))
        fake.hold, fake.holds = asyncio.Event(), chat.MembersRow
        async with device(worker, "bob") as bob:
            await until(lambda: len(fake.all(chat.MembersRow)) == asked + 1)
            fake.groups["team"] = 2, ["ann"]
            fake.delivers = False
            fake.say("g:team", "without bob", "ann")
            await fake.deliver("g:team", 1)
            await fake.to_edge(chat.ReadBy(CONV, "bob", 1, ["ann"]))
            await ann.until(Read)
            fake.hold.set()
            await ann.until(Chat)
            assert len(fake.all(chat.MembersRow)) == asked + 2
            await bob.ok(wire.Ping(0))
            assert not bob.all(Chat)


async def test_a_group_goes_on_when_the_store_went_back(start: Start) -> None:
    async with start() as (worker, fake), device(worker, "ann") as ann:
        fake.put_group("team", 5, "ann")
        await hint_at_team(fake, "ann", version=7)
        await until(lambda: fake.all(chat.MembersRow))
        fake.say("g:team", "hello")
        await ann.until(Chat)


async def test_who_belongs_to_what_is_asked_until_it_is_known(start: Start) -> None:
    async with start() as (worker, fake):
        fake.put_group("team", 1, "ann")
        lost = [chat.GroupsRow, chat.MembersRow]

        def judge(row: chat.Row) -> chat.Answer:
            if type(row) in lost:
                lost.remove(type(row))
                return chat.Refused("unavailable")
            return fake.answer(row)

        fake.judge = judge
        async with device(worker, "ann") as ann:
            await until(lambda: not lost)
            await until(lambda: len(fake.all(chat.MembersRow)) >= 2)
            await answered(fake, ann)
            fake.say("g:team", "hello")
            await ann.until(Chat)


async def test_lists_of_groups_are_asked_for_one_by_one(start: Start) -> None:
    async with start() as (_, fake):
        seconds = EdgeMetrics(CollectorRegistry()).bus_seconds
        client = ChatClient(fake.bus, fake.subjects, "edge", seconds, request_s=5.0, gather_s=0.01)
        rows = [chat.GroupsRow(f"u{number}") for number in range(5)]
        await asyncio.gather(*(client.ask(row, chat.Users) for row in rows))
        assert [len(rows) for rows in fake.requests] == [1] * 5
        await client.close()


async def test_a_head_is_told_where_it_is_news(start: Start) -> None:
    async with start() as (worker, fake), device(worker, "ann") as ann, device(worker, "bob") as bob:
        fake.put_group("team", 1, "bob")
        await hint_at_team(fake, "bob")
        await settled(worker, fake, ann=ann, bob=bob)
        await ann.ok(send("hello"))
        await bob.until(Chat)
        fake.delivers = False
        fake.say("g:team", "lost")
        fake.say("p:eve:far", "of others")
        await fake.tell_heads(CONV, "g:team", "p:eve:far", "g:other")
        assert await bob.until(Head) == [Head({"g:team": 1})]
        fake.say(CONV, "lost, too")
        await fake.tell_heads(CONV, "g:team")
        await fake.tell_heads(CONV, "g:team")
        assert await ann.until(Head) == [Head({CONV: 2})]
        await fake.to_edge(chat.ReadBy(CONV, "bob", 1, ["ann", "bob"]))
        await ann.until(Read)
        await bob.until(Read)
        assert bob.all(Head) == [Head({"g:team": 1}), Head({CONV: 2})]
        assert ann.all(Head) == [Head({CONV: 2})]
        assert worker.metric("chat_late_heads_total") == 2


async def test_a_head_is_news_to_whom_it_was_not_known_that_he_belongs_to_the_group(start: Start) -> None:
    async with start() as (worker, fake), device(worker, "ann") as ann, device(worker, "bob") as bob:
        fake.groups["team"] = 1, ["ann", "bob"]
        await hint_at_team(fake, "ann")
        await settled(worker, fake, ann=ann)
        fake.say("g:team", "hello")
        await ann.until(Chat)
        await hint_at_team(fake, "bob")
        await until(lambda: len(fake.all(chat.MembersRow)) == 2)
        await answered(fake, ann)
        await ann.ok(wire.Ping(0))
        await fake.tell_heads("g:team")
        assert await bob.until(Head) == [Head({"g:team": 1})]
        await bob.ok(wire.Ping(0))
        assert not bob.all(Chat)


async def test_a_head_tells_that_a_group_has_changed(start: Start) -> None:
    async with start() as (worker, fake), device(worker, "ann") as ann, device(worker, "bob") as bob:
        fake.put_group("team", 1, "ann", "bob")
        await hint_at_team(fake, "ann", "bob")
        await settled(worker, fake, ann=ann, bob=bob)
        fake.groups["team"] = 2, ["ann"]
        fake.delivers = False
        fake.say("g:team", "lost")
        asked = len(fake.all(chat.MembersRow))
        await fake.tell_heads("g:team")
        await until(lambda: len(fake.all(chat.MembersRow)) == asked + 1)
        await answered(fake, ann)
        await fake.tell_heads("g:team")
        await ann.until(Head)
        await bob.ok(wire.Ping(0))
        assert not bob.all(Head)


async def test_that_somebody_came_to_a_group_is_found_out_in_the_round_of_his_connection(
    start: Start,
) -> None:
    async with start(recheck_s=0.3) as (worker, fake), device(worker, "ann") as ann:
        await until(lambda: fake.all(chat.GroupsRow))
        fake.put_group("team", 1, "ann")
        await until(lambda: fake.all(chat.MembersRow))
        await answered(fake, ann)
        fake.say("g:team", "hello")
        await ann.until(Chat)


async def test_what_cannot_be_read_is_passed_over(start: Start) -> None:
    async with start() as (worker, fake), device(worker, "ann") as ann:
        fake.put_group("team", 1, "ann")
        await hint_at_team(fake, "ann")
        await settled(worker, fake, ann=ann)
        subjects = fake.subjects
        for subject in (subjects.to_edge("edge"), subjects.chat_heads, subjects.chat_out("team")):
            await fake.bus.publish(subject, b"nonsense")
        fake.say("g:team", "hello")
        await ann.until(Chat)


async def test_a_role_of_staff_does_not_matter_in_conversations(start: Start) -> None:
    async with start() as (worker, fake), viewer(worker.port) as root:
        await root.ok(wire.Hello(0, token=token("root", Role.ADMIN), device="d", n=1, chat=True))
        await root.ok(send("hello"))
        assert fake.all(chat.SendRow)[0].conv == "p:bob:root"


async def test_after_the_bus_was_away_devices_are_told_to_sync(bus: MemoryBus) -> None:
    async with chat_worker(always(bus)) as (worker, fake), AsyncExitStack() as stack:
        enter = stack.enter_async_context
        ann, bob = await enter(device(worker, "ann")), await enter(device(worker, "bob", "d", wire.JSON))
        deaf = await enter(device(worker, "bob", "deaf", chat=False))
        fake.put_group("team", 1, "ann", "bob")
        bus.connected = False
        fake.groups["team"] = 2, ["ann", "bob"]
        bus.connected = True
        for one in (ann, bob):
            assert await one.until(wire.Notice) == [wire.Notice("resync")]
        await until(lambda: [row.uid for row in fake.all(chat.GroupsRow)].count("ann") == 2)
        await until(lambda: [row.uid for row in fake.all(chat.GroupsRow)].count("bob") == 2)
        await settled(worker, fake, ann=ann, bob=bob)
        fake.say("g:team", "hello")
        await bob.until(Chat)
        await deaf.ok(wire.Ping(0))
        assert not deaf.all(wire.Notice)


async def test_who_belonged_to_a_group_is_asked_anew_after_the_bus_was_away(bus: MemoryBus) -> None:
    async with chat_worker(always(bus)) as (worker, fake), device(worker, "ann") as ann:
        fake.put_group("team", 1, "ann")
        await hint_at_team(fake, "ann")
        await settled(worker, fake, ann=ann)
        bus.connected = False
        fake.groups["team"] = 2, ["far"]
        fake.claims["ann"] = []
        bus.connected = True
        await until(lambda: not worker.metric("chat_groups"))
        await ann.until(wire.Notice)


async def test_who_came_while_the_bus_was_away_gets_its_groups_when_it_is_back(bus: MemoryBus) -> None:
    async with chat_worker(always(bus), request_s=2) as (worker, fake):
        fake.put_group("team", 1, "ann")
        async with device(worker, "ann") as ann:
            await until(lambda: fake.all(chat.GroupsRow))
            bus.connected = False
            await asyncio.gather(*fake._tasks, return_exceptions=True)
            bus.connected = True
            await settled(worker, fake, ann=ann)
            await until(lambda: len(fake.all(chat.MembersRow)) > 0)
            await answered(fake, ann)
            fake.say("g:team", "hello")
            await ann.until(Chat)


async def test_a_worker_stops_while_it_asks_for_groups(bus: MemoryBus) -> None:
    async with chat_worker(always(bus), drain_s=0.3) as (worker, fake), device(worker, "ann") as ann:
        fake.silent = True
        fake.put_group("team", 1, "ann")
        await hint_at_team(fake, "ann")
        await until(lambda: fake.all(chat.MembersRow))
        worker.stop.set()
        assert await ann.ended() == 4000
