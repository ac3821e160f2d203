"""At-most-once messages between processes."""

from __future__ import annotations

import asyncio
from secrets import token_hex

import pytest

from danmaku.bus import Bus, BusDown, BusTimeout, NoResponder
from tests.contract.edge_worker import Connect
from tests.contract.inbox import SOON, Inbox
from tests.waiting import until


@pytest.fixture
def subject() -> str:
    return f"test.{token_hex(8)}"


def echo(bus: Bus, tasks: set[asyncio.Task[None]]) -> Inbox:
    """An inbox that answers each request with its payload, twice."""

    class Echo(Inbox):
        def __call__(self, payload: bytes, reply: str) -> None:
            super().__call__(payload, reply)
            task = asyncio.ensure_future(bus.publish(reply, payload * 2))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    return Echo()


async def test_everybody_who_subscribed_receives_in_order(connect: Connect, subject: str) -> None:
    sender, *receivers = [await connect() for _ in range(3)]
    inboxes = [Inbox(), Inbox()]
    for receiver, inbox in zip(receivers, inboxes, strict=True):
        await receiver.subscribe(subject, inbox)
        await receiver.flush(SOON)
    sent = [b"%d" % i for i in range(100)]
    for payload in sent:
        await sender.publish(subject, payload)
    for inbox in inboxes:
        assert await inbox.has(100) == sent


async def test_one_of_a_queue_receives(connect: Connect, subject: str) -> None:
    bus = await connect()
    members, all_of_them = [Inbox(), Inbox()], Inbox()
    for inbox in members:
        await (await connect()).subscribe(subject, inbox, queue="q")
    await bus.subscribe(subject, all_of_them)
    other = Inbox()
    last = await connect()
    await last.subscribe(subject, other, queue="other")
    await last.flush(SOON)
    for i in range(50):
        await bus.publish(subject, b"%d" % i)
    await all_of_them.has(50)
    await other.has(50)
    await until(lambda: sum(len(inbox.got) for inbox in members) == 50)
    assert sorted(int(payload) for inbox in members for payload in inbox.got) == list(range(50))
    assert [len(all_of_them.got), len(other.got)] == [50, 50]


async def test_a_request_gets_its_reply(connect: Connect, subject: str) -> None:
    asker, answerer = await connect(), await connect()
    tasks: set[asyncio.Task[None]] = set()
    await answerer.subscribe(subject, echo(answerer, tasks), queue="q")
    await answerer.flush(SOON)
    replies = await asyncio.gather(*(asker.request(subject, b"%d" % i, SOON) for i in range(100)))
    assert replies == [b"%d" % i * 2 for i in range(100)]


async def test_a_request_that_nobody_listens_to_is_told_so(connect: Connect, subject: str) -> None:
    bus = await connect()
    with pytest.raises(NoResponder):
        await bus.request(subject, b"?", SOON)


async def test_a_request_that_nobody_answers_times_out_and_names_its_subject(
    connect: Connect, subject: str
) -> None:
    bus = await connect()
    await bus.subscribe(subject, Inbox())
    with pytest.raises(BusTimeout, match=subject):
        await bus.request(subject, b"?", 0.02)


async def test_a_reply_after_the_time_out_harms_nothing(connect: Connect, subject: str) -> None:
    bus = await connect()
    replies: list[str] = []
    await bus.subscribe(subject, lambda _, reply: replies.append(reply))
    with pytest.raises(BusTimeout):
        await bus.request(subject, b"?", 0.02)
    waiting = asyncio.ensure_future(bus.request(subject, b"?", SOON))
    await until(lambda: len(replies) == 2)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    for reply in replies:
        await bus.publish(reply, b"late")
    await bus.flush(SOON)
    assert bus.connected


async def test_no_more_after_unsubscribing(connect: Connect, subject: str) -> None:
    bus = await connect()
    stopped, going = Inbox(), Inbox()
    subscription = await bus.subscribe(subject, stopped)
    await bus.subscribe(subject, going)
    await bus.publish(subject, b"1")
    await going.has(1)
    await stopped.has(1)
    await subscription.unsubscribe()
    await subscription.unsubscribe()
    await bus.publish(subject, b"2")
    await going.has(2)
    await bus.flush(SOON)
    assert stopped.got == [b"1"]


async def test_large_and_empty_messages(connect: Connect, subject: str) -> None:
    bus = await connect()
    inbox = Inbox()
    await bus.subscribe(subject, inbox)
    sent = [b"", b"\r\nMSG x\r\n", bytes(512 * 1024)]
    for payload in sent:
        await bus.publish(subject, payload)
    assert await inbox.has(3) == sent


async def test_a_closed_bus_is_down(connect: Connect, subject: str) -> None:
    bus = await connect()
    subscription = await bus.subscribe(subject, Inbox())
    await bus.close()
    assert not bus.connected
    with pytest.raises(BusDown):
        await bus.publish(subject, b"")
    with pytest.raises(BusDown):
        await bus.request(subject, b"", SOON)
    with pytest.raises(BusDown):
        await bus.subscribe(subject, Inbox())
    with pytest.raises(BusDown):
        await bus.flush(SOON)
    await subscription.unsubscribe()


async def test_who_drains_still_gets_what_was_sent_to_it_and_then_nothing(connect: Connect) -> None:
    here, there = await connect(), await connect()
    heard: list[bytes] = []
    leaving = await here.subscribe("t.work", lambda payload, _: heard.append(payload), "crew")
    await here.flush(SOON)
    for number in range(500):
        await there.publish("t.work", str(number).encode())
    await there.flush(SOON)
    await leaving.drain(5)
    assert [int(payload) for payload in heard] == list(range(500))
    await there.publish("t.work", b"late")
    await there.flush(SOON)
    await here.flush(SOON)
    assert len(heard) == 500
    await leaving.drain(5)
    await leaving.unsubscribe()


async def test_a_trace_goes_along_and_only_to_who_asks_for_it(connect: Connect, subject: str) -> None:
    """With a publication and with a request; what has none comes as ever."""
    sender, aware, unaware = [await connect() for _ in range(3)]
    plain, other = Inbox(), Inbox()
    traced: list[tuple[bytes, str]] = []
    tasks: set[asyncio.Task[None]] = set()

    def take(payload: bytes, reply: str, trace: str) -> None:
        traced.append((payload, trace))
        if reply:
            tasks.add(asyncio.ensure_future(aware.publish(reply, b"yes")))

    await aware.subscribe(subject, plain, traced=take)
    await unaware.subscribe(subject, other)
    for receiver in (aware, unaware):
        await receiver.flush(SOON)
    await sender.publish(subject, b"1")
    await sender.publish(subject, b"2", "00-abc")
    assert await sender.request(subject, b"3", SOON, "00-def") == b"yes"
    assert await other.has(3) == [b"1", b"2", b"3"]
    assert await plain.has(1) == [b"1"]
    assert traced == [(b"2", "00-abc"), (b"3", "00-def")]
    await asyncio.gather(*tasks)
